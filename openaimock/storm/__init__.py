"""Storm: the faults that a client is tested with, and how a mock applies one of them to one exchange of a run."""

#: The environment variable that tells the mocks of a process which cell they take part in.
VARIABLE = "OPENAIMOCK_STORM"
#: The variables with the id of the test that runs at the moment: that of pytest, and that of the unittest mixin.
PYTEST_TEST, UNITTEST_TEST = "PYTEST_CURRENT_TEST", "OPENAIMOCK_TEST"
