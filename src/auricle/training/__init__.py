"""A network and two sets of clips to trained weights and a history."""
