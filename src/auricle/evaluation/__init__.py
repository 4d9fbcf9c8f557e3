"""Arrays to numbers: what a classifier scored, how sure that is, and which of two is better."""
