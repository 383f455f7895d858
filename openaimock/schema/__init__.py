"""JSON Schema as users send it: checked, and filled with sample values."""
