"""Rules: matchers, conditions, and which rule answers an Ask."""
