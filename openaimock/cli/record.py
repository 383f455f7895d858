"""The command ``record``: a mock that passes every request on to an upstream and writes the exchanges to a file of rules."""

from __future__ import annotations

import argparse
from typing import Any

from .serve import serve, serve_arguments


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to a parser."""
    serve_arguments(parser, configs=False)
    parser.add_argument("--upstream", metavar="URL", required=True, help="base URL such as https://api.openai.com/v1")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the file of recordings; a missing one is created")
    parser.add_argument(
        "--mode",
        choices=("once", "new", "all"),
        default="new",
        help="once: record into a new file only; new: what FILE does not answer; all: everything again (new)",
    )
    parser.add_argument("--timing", action="store_true", help="record the gaps between the pieces of streams")
    parser.add_argument("--ids", choices=("made", "keep"), default="made", help="keep: answer with the recorded ids and times")
    parser.add_argument("--redact", metavar="NAME", action="append", default=[], help="a member to mask; may be repeated")
    parser.epilog = "Clients send their own key, which is passed on and never recorded."


def run(options: argparse.Namespace) -> int:
    """Serve until a signal arrives; return the exit code."""
    record: dict[str, Any] = {"file": options.output, "mode": options.mode, "timing": options.timing, "ids": options.ids}
    if options.redact:
        record["redact"] = options.redact
    options.source = {"upstream": {"url": options.upstream}, "record": record}
    return serve(options)
