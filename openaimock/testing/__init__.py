"""Mocks for tests: MockServer, assertions and verdicts."""
