"""Sources: read files, their includes, standard input, YAML text and Python data into trees."""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from ..errors import Problem
from .tree import Node, Reading, RuleReader, from_python
from .yaml import parse

#: A configuration source: a path, YAML text, a mapping, or a list of these. "-" is standard input if the caller passes one.
Source = Any
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


class Reader:
    """Reads sources in order, and each file once; collects the files and the problems."""

    def __init__(
        self,
        environ: Mapping[str, str] | None,
        stdin: IO[Any] | None,
        problems: list[Problem],
        rule: RuleReader | None = None,
    ) -> None:
        self._rule = rule
        self.environ = environ
        self.stdin = stdin
        self.problems = problems
        self.files: list[Path] = []
        self._seen: set[str] = set()
        self.warnings: list[Problem] = []
        self._texts = 0

    def read(self, source: Source) -> Iterator[Node]:
        """The trees of a source and of everything it includes."""
        if isinstance(source, (list, tuple)):
            if not source:
                self.problem("", "there is no configuration: the list of sources is empty")
            for item in source:
                yield from self.read(item)
        elif isinstance(source, Mapping):
            yield from self.included(from_python(source, self._reading("")), "")
        elif isinstance(source, os.PathLike):
            yield from self.file(os.fspath(source), "")
        elif isinstance(source, str):
            yield from self.named(source)
        else:
            self.problem(
                "", f"a configuration is a path, YAML text, a mapping, or a list of these, not a {type(source).__name__}"
            )

    def named(self, source: str) -> Iterator[Node]:
        """The trees of a text: "-", the name of a file, or YAML."""
        if source == "-" and self.stdin is not None:
            yield from self.text(self.standard_input(self.stdin), "<stdin>", "")
        elif source == "-":
            # A library must not read its caller's standard input: it would wait for a terminal, or consume input of the caller.
            self.problem("-", "only the command line reads standard input; give a path, YAML text or a mapping (./- is a file)")
        elif "\n" in source or _is_yaml(source):
            self._texts += 1
            yield from self.text(source, "<text>" if self._texts == 1 else f"<text {self._texts}>", "")
        else:
            yield from self.file(source, "")

    def _reading(self, name: str) -> Reading:
        return Reading(name, self.problems, self.environ, self.warnings, self._rule)

    def problem(self, place: str, message: str, path: str = "") -> None:
        """Add a problem."""
        self.problems.append(Problem(place, path, message))

    def standard_input(self, stdin: IO[Any]) -> str | None:
        """All of standard input."""
        data = getattr(stdin, "buffer", stdin).read()
        return self.decoded(data, "<stdin>") if isinstance(data, bytes) else data

    def file(self, name: str, place: str, path: str = "") -> Iterator[Node]:
        """The trees of a file and its includes; none when the file was read before."""
        try:
            real = os.path.realpath(name)
            if real in self._seen:
                return
            self._seen.add(real)
            # Reading a device may never end, nor may opening a pipe that nothing writes to; the command line may name a pipe.
            mode = os.stat(name).st_mode
            if not stat.S_ISDIR(mode) and not stat.S_ISREG(mode) and (place or not stat.S_ISFIFO(mode)):
                self.problem(place or name, f"'{name}' is a pipe or a device; name a regular file", path)
                return
            with open(name, "rb") as file:
                text = self.decoded(file.read(), name)
        except (OSError, ValueError) as error:
            self.problem(place or name, _unreadable(name, error, bool(place)), path)
            return
        self.files.append(Path(name))
        yield from self.text(text, name, os.path.dirname(name))

    def decoded(self, data: bytes, name: str) -> str | None:
        """The text of a file's bytes: UTF-8, or UTF-16 with a byte order mark."""
        encoding = next((encoding for bom, encoding in _BOMS if data.startswith(bom)), "utf-8")
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            column = error.start - data.rfind(b"\n", 0, error.start)
            self.problem(f"{name}:{line}:{column}", f"the byte {data[error.start]:#04x} is not UTF-8; save the file as UTF-8")
            return None

    def text(self, text: str | None, name: str, base: str) -> Iterator[Node]:
        """The trees of a YAML text and its includes."""
        tree = None if text is None else parse(text, self._reading(name))
        if tree is not None:
            yield from self.included(tree, base)

    def included(self, tree: Node, base: str) -> Iterator[Node]:
        """A tree, then the trees of the files that its ``include`` names."""
        yield tree
        if not isinstance(tree.value, dict) or "include" not in tree.value:
            return
        include = tree.value["include"]
        items = include.value if isinstance(include.value, list) else [include]
        for at, item in enumerate(items):
            if isinstance(item.value, str) and item.value.strip():
                path = f"include[{at}]" if items is include.value else "include"
                for name in self.matching(os.path.join(base, os.path.expanduser(item.value)), item, path):
                    yield from self.file(name, item.place or "include", path)

    def matching(self, pattern: str, item: Node, path: str) -> Iterable[str]:
        """The files that a path or pattern names, in order."""
        if not any(mark in pattern for mark in "*?[") or os.path.exists(pattern):
            return [pattern]
        import glob  # few configurations have patterns

        files = sorted(name for name in glob.glob(pattern, recursive=True) if os.path.isfile(name))
        if not files:
            self.problem(item.place, f"no file matches '{pattern}'", path)
        return files


def _is_yaml(source: str) -> bool:
    """Whether a text on one line is YAML rather than the name of a file."""
    text = source.strip()
    if not text or text[0] in "{[#&":
        return True
    return (": " in text or text.endswith(":")) and not os.path.exists(source)


def _unreadable(name: str, error: Exception, included: bool) -> str:
    """The reason why a file cannot be read, with a similar name if there is one."""
    if isinstance(error, FileNotFoundError):
        from difflib import get_close_matches  # only a mistake needs it

        folder, base = os.path.split(name)
        try:
            close = get_close_matches(base, os.listdir(folder or "."), 1, 0.75)
        except (OSError, ValueError):
            close = []
        hint = f"; did you mean '{os.path.join(folder, close[0])}'?" if close else ""
        return f"there is no file '{name}'{hint}" if included else f"there is no such file{hint}"
    if isinstance(error, IsADirectoryError):
        return "this is a directory; name a file in it"
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return f"'{name}' cannot be read: {reason}" if included else f"cannot be read: {reason}"
