"""The API's parameters as tables, and its words when they are wrong."""
