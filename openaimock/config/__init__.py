"""Configuration: what the user writes, checked and turned into rules."""
