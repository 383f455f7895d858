"""Storm: the faults that a client is tested with, and how a mock applies one of them to one exchange of a run."""
