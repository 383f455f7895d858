"""Pictures, speech and transcripts that the image and audio endpoints answer with, and readers of uploaded media files."""
