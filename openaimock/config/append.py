"""Append: rules are added at the end of a file that a person may have written, whose comments and order stay."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import ConfigError, Problem
from .tree import Reading
from .write import write_items

try:
    import fcntl
except ImportError:  # Windows has no such lock: there, only threads of one process are safe.
    fcntl = None  # type: ignore[assignment]

#: Appends of one process go one after the other.
_threads = threading.Lock()
_BOM = "\ufeff"


class _Place(NamedTuple):
    """Where rules go in a text: the index, the indent of the list, and what to write before the rules."""

    at: int
    indent: int
    before: str = ""
    #: The index where the text goes on: what stands between is replaced.
    end: int = -1


def append_rules(
    path: str | os.PathLike[str], rules: Sequence[Mapping[str, Any]], *, replacing: Collection[str] = ()
) -> list[str]:
    """Add rules with ids at the end of the list ``responses`` of a file, which is made when there is none; their ids there.

    Rules whose ids are in ``replacing`` are taken out, with the comments inside them. A rule whose id another rule of the file
    has, perhaps because another process added it, gets an id with a number.

    The file is replaced at once, so that a reader sees the old or the new one. Safe among threads, and among processes
    where the system has ``flock``. ConfigError when the file is no configuration with a block list (or none) of rules;
    OSError when it cannot be written; ValueError for what YAML cannot hold.
    """
    target = Path(os.path.realpath(path))
    with _threads, _locked(target.parent):
        indent = None if replacing else _ours.get(target, _Ours()).indent_of(target)
        old = _read(target)
        if indent is None:
            rules = _renamed(rules, _ids(old, str(path)).difference(replacing))
            new, indent = _appended(old, str(path), rules, replacing)
        else:
            newline = "\r\n" if old.endswith("\r\n") else "\n"
            new = old + write_items(rules, indent).replace("\n", newline)
        replace_file(target, new)
        _remember(target, indent)
    return [str(rule.get("id")) for rule in rules]


def _ids(text: str, name: str) -> set[str]:
    """The ids of the rules in a text."""
    root = _compose(text.removeprefix(_BOM), name)
    items = (
        next((value for key, value in root.value if key.value == "responses"), None)
        if getattr(root, "id", "") == "mapping"
        else None
    )
    listed = items.value if items is not None and _is_list(items) else ()
    members = [key_value for item in listed if item.id == "mapping" for key_value in item.value]
    return {value.value for key, value in members if key.value == "id" and isinstance(value.value, str)}


def _renamed(rules: Sequence[Mapping[str, Any]], used_ids: Collection[str]) -> list[Mapping[str, Any]]:
    """The rules with ids that are not used yet."""
    names = set(used_ids)
    renamed = []
    for rule in rules:
        id, number = rule.get("id"), 1
        while id is not None and id in names:
            number += 1
            id = f"{rule['id']}-{number}"
        names.add(str(id))
        renamed.append(rule if id == rule.get("id") else {**rule, "id": id})
    return renamed


class _Ours(NamedTuple):
    """A file as this process left it, with its list at the end: nothing in it need be looked for as long as it is the same."""

    state: tuple[int, ...] = ()
    indent: int = 0

    def indent_of(self, target: Path) -> int | None:
        """The indent of the list; None when the file may be another by now."""
        return self.indent if self.state and self.state == _state(target) else None


#: Files by their real paths; at most so many.
_ours: dict[Path, _Ours] = {}
_MOST = 64


def _state(target: Path) -> tuple[int, ...]:
    try:
        status = target.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _remember(target: Path, indent: int | None) -> None:
    _ours.pop(target, None)
    if indent is not None:
        while len(_ours) >= _MOST:
            del _ours[next(iter(_ours))]
        _ours[target] = _Ours(_state(target), indent)


def _read(target: Path) -> str:
    try:
        data = target.read_bytes()
    except FileNotFoundError:
        return ""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _refused(f"{target}", f"the byte {data[error.start]:#04x} is not UTF-8; save the file as UTF-8") from None


def _appended(old: str, name: str, rules: Sequence[Mapping[str, Any]], replacing: Collection[str]) -> tuple[str, int | None]:
    """The new text of a file, and the indent of its list when that is at the end."""
    whole = old.removeprefix(_BOM)
    newline = "\r\n" if "\r\n" in whole else "\n"
    text = _without(whole, name, replacing) if replacing else whole
    place = _find(text, name)
    added = place.before + write_items(rules, place.indent)
    head, tail = text[: place.at], text[max(place.at, place.end) :]
    if head and not head.endswith("\n"):
        added = "\n" + added
    new = head + added.replace("\n", newline) + tail
    if _values(new, name, len(rules)) != _values(whole, name, 0, replacing):
        raise _refused(name, "rules cannot be added here without changing others; end the file with a line break")
    at_end = bool(rules) and not tail
    return (_BOM if old.startswith(_BOM) else "") + new, place.indent if at_end else None


def _compose(text: str, name: str) -> Any:
    """YAML's own tree of a text, with the places of everything."""
    import yaml

    try:
        return yaml.compose(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        raise _refused(name, f"not valid YAML: {str(error).splitlines()[0]}") from None


def _without(text: str, name: str, ids: Collection[str]) -> str:
    """The text without the rules of these ids."""
    end = _find(text, name).at
    root = _compose(text, name)
    items = next((value for key, value in root.value if key.value == "responses"), None) if root is not None else None
    if items is None or not _is_list(items):
        return text
    starts = [text.rfind("\n", 0, text.rfind("-", 0, item.start_mark.index)) + 1 for item in items.value]
    ends = [*(_before(text, start) for start in starts[1:]), end]
    for item, start, stop in reversed(list(zip(items.value, starts, ends, strict=True))):
        members = {key.value: value.value for key, value in item.value} if item.id == "mapping" else {}
        if members.get("id") in ids:
            text = text[:start] + text[stop:]
    return text


def _find(text: str, name: str) -> _Place:
    """Where the next rule goes."""
    import yaml

    root = _compose(text, name)
    if root is None:
        return _Place(len(text), 2, "responses:\n")
    if not isinstance(root, yaml.MappingNode) or root.flow_style:
        raise _refused(name, "rules can be added to a file of block YAML with 'responses:', and this is another kind of file")
    items = next((value for key, value in root.value if key.value == "responses"), None)
    if items is None:
        return _Place(_end(text, root), 2, "responses:\n")
    if (isinstance(items, yaml.ScalarNode) and items.tag.endswith(":null")) or (_is_list(items) and not items.value):
        # A list that is empty yet: what stands for it (nothing, null, []) makes room for the rules.
        start, end = items.start_mark.index, items.end_mark.index
        rest = text.find("\n", end)
        line_end = len(text) if rest < 0 else rest
        if text[end:line_end].strip():
            raise _refused(name, "put the comment beside 'responses:' on a line of its own to add rules")
        return _Place(start, 2, "\n", end if rest < 0 else rest + 1)
    if not _is_list(items) or items.flow_style:
        raise _refused(name, "rules can only be added to a 'responses:' that is a block list ('- ' before every rule)")
    following = [key.start_mark.index for key, _ in root.value if key.start_mark.index > items.start_mark.index]
    at = _before(text, min(following)) if following else _end(text, root)
    return _Place(at, items.start_mark.column)


def _is_list(node: Any) -> bool:
    return bool(node.id == "sequence")


def _before(text: str, at: int) -> int:
    """The beginning of the comments and empty lines that stand above the line of an index."""
    at = text.rfind("\n", 0, at) + 1
    while at > 0:
        start = text.rfind("\n", 0, at - 1) + 1
        line = text[start:at].strip()
        # An indented comment may belong to the last rule, or be no comment but part of its text.
        if line and not text[start:at].startswith("#"):
            break
        at = start
    return at


def _end(text: str, root: Any) -> int:
    """The end of the document, before a line ``...`` that closes it."""
    rest = root.end_mark.index
    closing = next((index for index in (text.find("\n...", max(0, rest - 1)),) if index >= 0), None)
    return len(text) if closing is None else closing + 1


def _values(text: str, name: str, added: int, without: Collection[str] = ()) -> Any:
    """All that a file says, without its last ``added`` rules and those of some ids; a missing list counts as an empty one."""
    from .yaml import parse

    problems: list[Problem] = []
    tree = parse(text, Reading(name, problems, None))
    if tree is None or problems:
        raise ConfigError(problems)
    plain = _plain(tree) or {}
    listed = plain.get("responses") or []
    remaining = [rule for rule in listed[: len(listed) - added] if not (isinstance(rule, dict) and rule.get("id") in without)]
    return {**plain, "responses": remaining}


def _plain(node: Any) -> Any:
    value = node.value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _refused(name: str, message: str) -> ConfigError:
    return ConfigError([Problem(name, "", message)])


# Files


def replace_file(target: Path, text: str) -> None:
    """Give a file a new text at once; it keeps its mode, and a new one gets the usual mode."""
    try:
        mode: int | None = stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        mode = None
    name = target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident()}.tmp")
    # Made in the usual way, so that the umask counts; a file left by a process that was killed is replaced.
    handle = os.open(name, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o666)
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        if mode is not None:
            os.chmod(name, mode)
        os.replace(name, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Alone among the processes that append to a file of this folder: the file itself is replaced, its folder stays."""
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        # Some network file systems have no locks; a single process is safe there all the same.
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
