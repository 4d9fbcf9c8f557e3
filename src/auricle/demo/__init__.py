"""A model shown live: a page that listens, served from here or as files that need no server."""
