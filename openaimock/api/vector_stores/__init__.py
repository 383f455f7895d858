"""Vector stores: stores, their files and file batches, and search (API reference: Vector stores)."""
