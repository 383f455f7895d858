"""Audio: speech from a text, and the text of recordings."""
