"""From a folder of labelled sound clips to a classifier that can be believed and shipped."""

__version__ = "0.1.0"
