"""Searches in a helper process, for regular expressions with ``unsafe: true`` that may take exponential time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from ..text import regex

if TYPE_CHECKING:
    from ..text.regex_process import RegexProcess


class SlowRegex(Exception):
    """A search that took longer than a second, or that the helper process cannot run. The text says which."""


class Searcher:
    """The helper process of a mock; the first search starts it."""

    def __init__(self) -> None:
        self._process: RegexProcess | None = None

    def search(self, pattern: str, text: str, flags: int) -> Any:
        """The first match of a pattern in Python's syntax, None for none. Raises SlowRegex."""
        from ..text.regex_process import RegexProcess, RegexProcessError, RegexTimeout  # few mocks need a process

        process = self._process
        if process is None:
            process = self._process = RegexProcess()
        try:
            return process.search(pattern, text, flags)
        except (RegexTimeout, RegexProcessError) as error:
            raise SlowRegex(str(error)) from None

    def close(self) -> None:
        """Stop the process. A later search starts another one."""
        process, self._process = self._process, None
        if process is not None:
            process.close()


_current: ContextVar[Searcher | None] = ContextVar("searcher", default=None)


@contextmanager
def searching_with(searcher: Searcher) -> Iterator[None]:
    """Matchers that are compiled in this block search with a mock's own process."""
    token = _current.set(searcher)
    try:
        yield
    finally:
        _current.reset(token)


def search_of(pattern: str, flags: int) -> Any:
    """The search for an unsafe pattern, as a function of a text."""
    searcher = _current.get() or Searcher()
    translated = regex.python_syntax(pattern)
    return lambda text: searcher.search(translated, text, flags)
