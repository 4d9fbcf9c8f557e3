"""A plan and a table of clips to fits, predictions and scores."""
