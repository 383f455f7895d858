"""Storm: the faults that a client is tested with, and how a mock applies one of them to one exchange of a run."""

#: The environment variable that tells the mocks of a process which cell they take part in.
VARIABLE = "OPENAIMOCK_STORM"
