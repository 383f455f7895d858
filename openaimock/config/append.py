"""Append: rules are added at the end of a file that a person may have written, whose comments and order stay."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import ConfigError, Problem
from .joined_rules import Joined, dumped, joined, question
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


class _Contents(NamedTuple):
    """The rules of a file: all ids, of each rule a digest of what it says, with its id, and digests of all questions."""

    ids: set[str]
    digests: dict[bytes, str]
    questions: set[bytes]

    @classmethod
    def of(cls, rules: Iterable[Any], without: Collection[str]) -> _Contents:
        """Those of rules, except for the ones with some ids."""
        contents = cls(set(), {}, set())
        for rule in rules:
            if isinstance(rule, dict) and rule.get("id") not in without:
                contents.add(rule)
        return contents

    def add(self, rule: Mapping[str, Any]) -> None:
        """Add a rule with an id."""
        if isinstance(rule.get("id"), str):
            self.ids.add(rule["id"])
            self.digests.setdefault(_digest(rule), rule["id"])
            if question_text := _question(rule):
                self.questions.add(question_text)


class _Ours(NamedTuple):
    """A file as this process left it, with its list at the end: nothing in it need be looked for as long as it is the same."""

    state: tuple[int, ...]
    indent: int
    contents: _Contents


#: Files by their real paths; at most so many.
_ours: dict[Path, _Ours] = {}
_MOST = 64


def append_rules(
    path: str | os.PathLike[str],
    rules: Sequence[Mapping[str, Any]],
    *,
    replacing: Collection[str] | Mapping[str, Mapping[str, Any] | None] = (),
    unique: bool = False,
) -> list[str]:
    """Add rules with ids at the end of the list ``responses`` of a file, which is made when there is none; their ids there.

    Rules whose ids are in ``replacing`` are taken out, with the comments inside them. A rule whose id another rule of the file
    has, perhaps because another process added it, gets an id with a number. With ``unique``, a rule that is in the file already,
    whatever its id, is not added again, and one whose question another rule there has is joined with that rule. A mapping as
    ``replacing`` has the rules as the caller wrote them: what other processes joined with them stays.

    The file is replaced at once, so that a reader sees the old or the new one. Safe among threads, and among processes
    where the system has ``flock``. ConfigError when the file is no configuration with a block list (or none) of rules;
    OSError when it cannot be written; ValueError for what YAML cannot hold.
    """
    target = Path(os.path.realpath(path))
    with _threads, _locked(target.parent):
        ours = None if replacing else _ours.get(target)
        if ours is not None and ours.state != _state(target):
            ours = None
        old = _read(target)
        written = replacing if isinstance(replacing, Mapping) else dict.fromkeys(replacing)
        added = Joined(list(rules), set(written), [])
        listed = _listed(old, str(path)) if ours is None else []
        contents = _Contents.of(listed, added.replaced) if ours is None else ours.contents
        if unique and (any(written.values()) or any(_question(rule) in contents.questions for rule in rules)):
            listed = listed if ours is None else _listed(old, str(path))
            added = joined(rules, written, listed)
            ours, contents = None, _Contents.of(listed, added.replaced)
        ids, fresh = _named([*added.remaining, *added.rules], contents, unique)
        indent = ours.indent if ours is not None else None
        if indent is not None:
            newline = "\r\n" if old.endswith("\r\n") else "\n"
            new = old + write_items(fresh, indent).replace("\n", newline)
        elif fresh or added.replaced:
            new, indent = _appended(old, str(path), fresh, added.replaced)
        else:
            new = old
        if new != old:
            replace_file(target, new)
        for rule in fresh:
            contents.add(rule)
        _remember(target, indent, contents)
    return ids[len(added.remaining) :]


def refusal(path: Path) -> str:
    """Why rules cannot be added to a file, "" when they can. A missing file, or one that is no YAML, is no reason here."""
    try:
        _find(_read(path).removeprefix(_BOM), str(path))
    except ConfigError as error:
        return error.problems[0].message
    return ""


def _listed(text: str, name: str) -> list[Any]:
    """The rules of a text."""
    text = text.removeprefix(_BOM)
    if not text.strip():
        return []
    _find(text, name)
    return list(_values(text, name, 0)["responses"])


def _digest(rule: Mapping[str, Any]) -> bytes:
    """The same for rules that differ in the id only."""
    return _hash(dumped({key: value for key, value in rule.items() if key != "id"}))


def _question(rule: Mapping[str, Any]) -> bytes:
    """The same for rules that the same request matches; b"" for a rule that is not joined with others."""
    text = question(rule)
    return b"" if text is None else _hash(text)


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _named(rules: Sequence[Mapping[str, Any]], contents: _Contents, unique: bool) -> tuple[list[str], list[Mapping[str, Any]]]:
    """The ids of the rules in the file, and those to add, with ids that are not used yet."""
    used_ids, ids, fresh = set(contents.ids), [], []
    for rule in rules:
        same = contents.digests.get(_digest(rule)) if unique else None
        if same is not None:
            ids.append(same)
            continue
        id, number = rule.get("id"), 1
        while id is not None and id in used_ids:
            number += 1
            id = f"{rule['id']}-{number}"
        used_ids.add(str(id))
        ids.append(str(id))
        fresh.append(rule if id == rule.get("id") else {**rule, "id": id})
    return ids, fresh


def _state(target: Path) -> tuple[int, ...]:
    try:
        status = target.stat()
    except OSError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _remember(target: Path, indent: int | None, contents: _Contents) -> None:
    _ours.pop(target, None)
    if indent is not None:
        while len(_ours) >= _MOST:
            del _ours[next(iter(_ours))]
        _ours[target] = _Ours(_state(target), indent, contents)


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
        return _Place(len(text[:start].rstrip(" \t")), 2, "", end if rest < 0 else rest + 1)
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
