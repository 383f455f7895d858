"""What the mock knows about text: tokens, similarity, regular expressions, vectors, moderation and redaction."""
