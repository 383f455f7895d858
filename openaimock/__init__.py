"""openaimock: a mock of the OpenAI API that answers from a YAML file, the same every time."""

__version__ = "0.1.0"
