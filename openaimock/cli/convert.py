"""The command ``convert``: other tools' files become a configuration on standard output or in a file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from ..config.append import replace_file
from ..convert.files import FORMATS, Converted, convert
from ..convert.outcomes import Omission
from ..recording.payloads import move_payloads
from .status_line import StatusLine

#: What is read of a folder.
_SUFFIXES = (".yaml", ".yml", ".json", ".jsonl", ".har", ".gz")
#: More skipped entries than this are grouped by reason, with a few places for each.
_MANY, _PLACES = 40, 3


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("files", metavar="FILE", nargs="+", help="a file of another tool, or a folder of such files")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the rules here, not to standard output")
    parser.add_argument("--ids", choices=("made", "keep"), default="made", help="keep: answer with the recorded ids and times")
    formats = ", ".join(format.name for format in FORMATS)
    parser.epilog = f"Formats, recognised by their content: {formats}."


def run(options: argparse.Namespace, stdout: TextIO | None = None, stderr: TextIO | None = None) -> int:
    """Convert the files; 1 when nothing could be converted, or the result cannot be written."""
    out, err = stdout or sys.stdout, stderr or sys.stderr
    paths = list(_paths(options.files))
    status = StatusLine(err)
    result = convert(paths, keep_ids=options.ids == "keep", progress=lambda text: status.show(f"# {text}"))
    status.clear()
    try:
        if result.rules and options.output:
            target = Path(options.output)
            move_payloads(result.rules, target)
            replace_file(target, result.text())
        elif result.rules:
            out.write(result.text())
            out.flush()
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        err.write(f"# cannot write {options.output}: {error.strerror or error}\n")
        return 1
    for line in summary(result):
        err.write(f"# {' '.join(line.split())}\n")
    return 0 if result.rules else 1


def _paths(names: Sequence[str]) -> Iterator[Path]:
    for name in names:
        path = Path(name)
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*") if each.is_file() and each.name.endswith(_SUFFIXES))
        else:
            yield path


def summary(result: Converted) -> Iterator[str]:
    """What was converted, and what was left out and why, line by line."""
    rules = len(result.rules)
    yield f"{result.converted} converted into {rules} rule{'' if rules == 1 else 's'}, {len(result.omissions)} left out"
    if result.first:
        yield "match: first, as the first rule that fits answers in these files"
    if len(result.omissions) <= _MANY:
        for omission in result.omissions:
            yield f"left out: {omission.place}: {omission.reason}"
        return
    reasons: dict[str, list[Omission]] = {}
    for omission in result.omissions:
        reasons.setdefault(omission.reason, []).append(omission)
    for reason, omissions in sorted(reasons.items(), key=lambda item: -len(item[1])):
        places = ", ".join(omission.place for omission in omissions[:_PLACES])
        more = f" and {len(omissions) - _PLACES} more" if len(omissions) > _PLACES else ""
        yield f"left out: {reason}: {places}{more}"
