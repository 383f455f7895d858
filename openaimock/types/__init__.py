"""The nouns that flow through the mock: Ask, Reply, Exchange, and the tools, form and clock of a request."""
