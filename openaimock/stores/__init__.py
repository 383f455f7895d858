"""What remembers: one store protocol, in memory or elsewhere."""
