"""How a reply leaves: pace, latency and faults."""
