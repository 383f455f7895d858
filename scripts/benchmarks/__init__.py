"""Proof of speed: openaimock and its peers, one after the other on one machine, with every answer that is counted checked."""
