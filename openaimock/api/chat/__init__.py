"""Chat completions, created and stored."""
