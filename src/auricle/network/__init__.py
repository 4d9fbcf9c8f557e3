"""Waveform to logits: front-end, base, attention, classifier."""
