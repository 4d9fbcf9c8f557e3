"""Measurements of the project itself; their results stand in `docs/`."""
