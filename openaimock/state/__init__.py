"""What a mock remembers between requests, by namespace."""
