"""Delivery of replies: pace, latency and faults."""
