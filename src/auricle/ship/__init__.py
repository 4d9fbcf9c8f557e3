"""What leaves a study: predictions of sound files."""
