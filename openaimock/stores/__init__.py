"""What remembers: one small store protocol, in memory or elsewhere."""

from .memory import MemoryStore as MemoryStore
from .memory import Page as Page
