"""Files in, waves out: which clips there are, how they are split, what they sound like."""
