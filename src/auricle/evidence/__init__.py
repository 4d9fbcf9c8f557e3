"""Can it be believed? Questions put to a data set and to a finished study."""
