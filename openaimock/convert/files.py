"""Files: what is in the files of other tools, recognised by its content, becomes the rules of one configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from ..config.load import load_rules
from ..config.write import write_rules
from ..errors import ConfigError
from ..http.json import dump
from ..recording import rules as recorded
from ..recording.asks import Skipped, read
from ..recording.exchange import Recording, parsed
from ..recording.history import History, Unknown
from ..recording.replies import reply
from ..recording.streams import Unclear, answer
from ..recording.verify import usable, verified
from ..text import redaction
from . import aimock, documents, har, lines, mock_llm, openai_mock_api, vcr
from .found import Found, Half, Left, Ready

JSON = Any
#: Called with the number of files that are done.
Progress = Callable[[int], None]


class Format(NamedTuple):
    """A format: its name, whether a document is of it, and what is in one."""

    name: str
    recognised: Callable[[JSON], bool]
    read: Callable[[Any, str], Iterator[Found]]


FORMATS = (
    Format("a VCR cassette", vcr.recognised, vcr.read),
    Format("HAR", har.recognised, har.read),
    Format("a recording of Azure's test proxy", har.is_proxied, har.read_proxied),
    Format("aimock fixtures", aimock.recognised, aimock.read),
    Format("a mock-llm file", mock_llm.recognised, mock_llm.read),
    Format("an openai-mock-api file", openai_mock_api.recognised, openai_mock_api.read),
    Format("a line of a batch", lines.is_batch, lines.read_batch),
    Format("a chat for fine-tuning", lines.is_chat, lines.read_chat),
)


@dataclass
class Converted:
    """The rules, how many exchanges and rules they come from, and what is left out."""

    rules: list[dict[str, JSON]] = field(default_factory=list)
    converted: int = 0
    left: list[Left] = field(default_factory=list)
    #: The files are of a tool whose first rule that fits answers.
    first: bool = False

    def text(self) -> str:
        """The configuration as YAML."""
        return ("match: first\n" if self.first else "") + write_rules(self.rules)


def convert(paths: Iterable[Path], *, keep_ids: bool = False, progress: Progress | None = None) -> Converted:
    """The rules of files, in the order of the files. What cannot be converted is in ``left``, with its place and the reason."""
    result = Converted()
    recordings: list[Recording] = []
    ready: list[Ready] = []
    halves: list[Half] = []
    kinds: dict[type, Callable[[Any], None]] = {
        Recording: recordings.append,
        Ready: ready.append,
        Half: halves.append,
        Left: result.left.append,
    }
    for number, path in enumerate(paths, 1):
        for found in _in_file(path):
            kinds[type(found)](found)
        if progress:
            progress(number)
    for found in lines.joined(halves):
        kinds[type(found)](found)
    _convert_recordings(recordings, result, keep_ids)
    _convert_ready(ready, result)
    return result


def _in_file(path: Path) -> Iterator[Found]:
    try:
        found = documents.load(path)
    except documents.Unreadable as error:
        yield Left(str(path), str(error))
        return
    if not found:
        yield Left(str(path), "the file is empty")
    for number, document in enumerate(found, 1):
        place = f"{path}" if len(found) == 1 else f"{path}: line {number}"
        format = next((format for format in FORMATS if format.recognised(document)), None)
        if format is None:
            if document is not None or len(found) == 1:
                yield Left(place, "the format is not known; see 'openaimock convert --help'")
            continue
        try:
            yield from format.read(document, place)
        except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
            yield Left(place, f"this is not {format.name} as other tools write it ({type(error).__name__}: {error})")


# Recorded exchanges


def _convert_recordings(recordings: Sequence[Recording], result: Converted, keep_ids: bool) -> None:
    history = History()
    finished = _finished(recordings)
    entries: list[recorded.Entry] = []
    for recording in recordings:
        try:
            entries += _entries(recording, history, finished, keep_ids)
        except (Skipped, Unknown, Unclear) as reason:
            result.left.append(Left(recording.place, redaction.text(str(reason))))
        except ConfigError as error:
            result.left.append(Left(recording.place, redaction.text(error.problems[0].message)))
    before = len(result.left)
    drafts = recorded.drafts(entries, redaction.text, keep_ids=keep_ids)
    result.rules += verified(drafts, lambda place, reason: result.left.append(Left(place, redaction.text(reason))))
    places = {entry.recording.place for entry in entries}
    result.converted += len(places - {left.place for left in result.left[before:]})


def _entries(recording: Recording, history: History, finished: Mapping[str, JSON], keep_ids: bool) -> list[recorded.Entry]:
    _note_conversation(recording, history)
    asked = read(recording, history)
    if asked.ask.endpoint == "responses":
        recording = _settled(recording, finished)
        asked = replace(asked, recording=recording)
    said = reply(asked.ask, recording, keep_ids=keep_ids)
    if asked.ask.endpoint == "responses" and recording.status == 200:
        _note_response(recording, asked.ask.body, history)
    return recorded.entries(asked, cleaned(usable(said, recording)))


def _note_conversation(recording: Recording, history: History) -> None:
    """Remember a conversation that is created, or that items are added to."""
    parts = recording.path.strip("/").split("/")
    if "conversations" not in parts or recording.method != "POST" or recording.status != 200:
        return
    asked, answer = parsed(recording.body), parsed(recording.response)
    names = parts[parts.index("conversations") + 1 :]
    id = names[0] if names else answer.get("id") if isinstance(answer, dict) else None
    if isinstance(id, str) and (not names or names[1:] == ["items"]):
        history.begin(id, asked.get("items") if isinstance(asked, dict) else None)


def _note_response(recording: Recording, expanded: Mapping[str, JSON], history: History) -> None:
    try:
        whole = answer(recording, "responses").whole
    except Unclear:
        return
    asked = parsed(recording.body)
    if isinstance(whole, dict) and isinstance(asked, dict):
        history.note(asked, expanded, whole)


def _finished(recordings: Iterable[Recording]) -> dict[str, JSON]:
    """Responses that were asked for again until they were finished, by their ids."""
    found: dict[str, JSON] = {}
    for recording in recordings:
        if recording.method == "GET" and "/responses/" in recording.path and recording.status == 200:
            whole = parsed(recording.response)
            if isinstance(whole, dict) and whole.get("status") in ("completed", "incomplete", "failed"):
                found[str(whole.get("id"))] = whole
    return found


def _settled(recording: Recording, finished: Mapping[str, JSON]) -> Recording:
    """The recording of a response in the background with the answer that it had in the end."""
    whole = None if recording.streamed else parsed(recording.response)
    if isinstance(whole, dict) and whole.get("status") in ("queued", "in_progress") and whole.get("id") in finished:
        return recording._replace(response=dump(finished[whole["id"]]).encode())
    return recording


def cleaned(said: dict[str, JSON]) -> dict[str, JSON]:
    """A reply without secrets; pieces and tokens that would spell them are left out with them."""
    clean: dict[str, JSON] = redaction.value(said)
    texts = [name for name in ("content", "refusal", "blocks") if clean.get(name) != said.get(name)]
    if texts or clean.get("pace") != said.get("pace"):
        clean.pop("logprobs", None)
        pace = {name: value for name, value in (said.get("pace") or {}).items() if name not in ("chunks", "gaps")}
        clean = {name: value for name, value in clean.items() if name != "pace"} | ({"pace": pace} if pace else {})
    return clean


# Rules that are ready


def _convert_ready(ready: Sequence[Ready], result: Converted) -> None:
    taken = {rule["id"] for rule in result.rules}
    for found in ready:
        rule = redaction.value(found.rule)
        try:
            load_rules([rule], taken=taken)
        except ConfigError as error:
            result.left.append(Left(found.place, redaction.text(str(error.problems[0]))))
            continue
        if rule.get("id"):
            taken.add(rule["id"])
        result.rules.append(rule)
        result.converted += 1
        result.first = result.first or found.first
