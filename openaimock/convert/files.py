"""Files: what is in the files of other tools, recognised by its content, becomes the rules of one configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ..config.load import load_rules
from ..config.write import write_rules
from ..errors import ConfigError
from ..recording.exchange import Recording, Skipped, Unknown
from ..recording.rules import Entry
from ..recording.session import Session, finished
from ..text import redaction
from . import aimock, documents, har, lines, mock_llm, openai_mock_api, vcr
from .outcomes import Half, Omission, Outcome, Ready

JSON = Any
#: Called with a few words on how far the conversion is.
Progress = Callable[[str], None]


class Format(NamedTuple):
    """A format: its name, whether a document is of it, and what is in one."""

    name: str
    recognised: Callable[[JSON], bool]
    read: Callable[[Any, str], Iterator[Outcome]]


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
    omissions: list[Omission] = field(default_factory=list)
    #: The files are of a tool whose first rule that fits answers.
    first: bool = False

    def text(self) -> str:
        """The configuration as YAML."""
        return ("match: first\n" if self.first else "") + write_rules(self.rules)


def _silent(text: str) -> None:
    """Show no progress."""


def convert(paths: Sequence[Path], *, keep_ids: bool = False, progress: Progress = _silent) -> Converted:
    """The rules of files, in the order of the files. ``omissions`` has the rest, with place and reason."""
    result = Converted()
    recordings: list[Recording] = []
    ready: list[Ready] = []
    halves: list[Half] = []
    kinds: dict[type, Callable[[Any], None]] = {
        Recording: recordings.append,
        Ready: ready.append,
        Half: halves.append,
        Omission: result.omissions.append,
    }
    for number, path in enumerate(paths, 1):
        for record in _in_file(path):
            kinds[type(record)](record)
        progress(f"{number} of {len(paths)} files read")
    for record in lines.joined(halves):
        kinds[type(record)](record)
    _convert_recordings(recordings, result, keep_ids, progress)
    _convert_ready(ready, result)
    return result


def _in_file(path: Path) -> Iterator[Outcome]:
    try:
        listed = documents.load(path)
    except documents.Unreadable as error:
        yield Omission(str(path), str(error))
        return
    if not listed:
        yield Omission(str(path), "the file is empty")
    for number, document in enumerate(listed, 1):
        place = f"{path}" if len(listed) == 1 else f"{path}: line {number}"
        format = next((format for format in FORMATS if format.recognised(document)), None)
        if format is None:
            if document is not None or len(listed) == 1:
                yield Omission(place, "the format is not known; see 'openaimock convert --help'")
            continue
        try:
            nothing = Omission(place, f"there is nothing to convert in this file ({format.name})")
            outcomes = format.read(document, place)
            yield next(outcomes, nothing)
            yield from outcomes
        except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
            yield Omission(place, f"this is not {format.name} as other tools write it ({type(error).__name__}: {error})")


# Recorded exchanges


def _convert_recordings(recordings: Sequence[Recording], result: Converted, keep_ids: bool, progress: Progress) -> None:
    session = Session(keep_ids=keep_ids)
    ended = finished(recordings)
    entries: dict[int, list[Entry]] = {}
    waiting = dict(enumerate(recordings))
    while waiting:
        # Files need not come in the order of time: what refers to a later exchange is tried again.
        missing: dict[int, tuple[Recording, str]] = {}
        for number, recording in waiting.items():
            progress(f"{len(entries)} of {len(recordings)} exchanges read")
            try:
                entries[number] = session.entries(recording, ended)
            except Unknown as reason:
                missing[number] = recording, str(reason)
            except Skipped as reason:
                result.omissions.append(Omission(recording.place, redaction.text(str(reason))))
        if len(missing) == len(waiting):
            result.omissions += [Omission(recording.place, redaction.text(reason)) for recording, reason in missing.values()]
            break
        waiting = {number: recording for number, (recording, _) in missing.items()}
    listed = [entry for group in entries.values() for entry in group]
    omissions: list[Omission] = []
    progress(f"making rules of {len(listed)} exchanges")
    result.rules += session.rules(listed, lambda place, reason: omissions.append(Omission(place, redaction.text(reason))))
    result.omissions += omissions
    result.converted += len({entry.recording.place for entry in listed} - {omission.place for omission in omissions})


# Rules that are ready


def _convert_ready(ready: Sequence[Ready], result: Converted) -> None:
    used_ids = {rule["id"] for rule in result.rules}
    for record in ready:
        rule = redaction.value(record.rule)
        try:
            load_rules([rule], taken_ids=used_ids)
            write_rules([rule])
        except ConfigError as error:
            result.omissions.append(Omission(record.place, redaction.text(str(error.problems[0]))))
            continue
        except ValueError as error:
            result.omissions.append(Omission(record.place, str(error)))
            continue
        if rule.get("id"):
            used_ids.add(rule["id"])
        result.rules.append(rule)
        result.converted += 1
        result.first = result.first or record.first
