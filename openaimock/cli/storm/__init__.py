"""The command ``storm``: run a command clean, then once for each fault at each point, and report what it did."""

from __future__ import annotations

import argparse
import math
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from ..arguments import FAILED, USAGE, config_arguments

#: What ``--fail-on`` accepts beside the outcomes.
FINDINGS = "findings"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to a parser."""
    config_arguments(parser)
    parser.usage = "openaimock storm [options] [CONFIG...] -- COMMAND [ARGUMENTS...]"
    parser.add_argument("--faults", type=_words, default=[], metavar="LIST", help="faults or groups (default: all)")
    parser.add_argument(
        "--points", type=_points, metavar="first|each|N",
        help="events of a stream after which faults come (default: before it, in the middle, before its end)",
    )  # fmt: skip
    parser.add_argument("--at", metavar="EXCHANGE.EVENT", help="run the chosen faults at this point only, without a clean run")
    parser.add_argument("--jobs", type=_jobs, default=1, metavar="N", help="runs at the same time (1)")
    parser.add_argument(
        "--timeout", type=_seconds, metavar="S", help="seconds after which a run hangs (5 times the clean run, 5 at least)"
    )
    parser.add_argument("--fail-on", type=_words, default=[], metavar="LIST", help="exit with 1 for hung, failed, findings")
    for name, form in (("json", "JSON"), ("xml", "JUnit XML"), ("html", "an HTML page")):
        parser.add_argument(f"--{name}", metavar="F", help=f"write the results to a file as {form}")
    parser.epilog = (
        "COMMAND gets OPENAI_BASE_URL and OPENAI_API_KEY; mocks that it starts itself take part, and CONFIG may then be left out."
    )


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _points(text: str) -> str:
    if text not in ("first", "each") and not (text.isascii() and text.isdigit() and 0 < int(text) < 1_000_000):
        raise argparse.ArgumentTypeError(f"{text!r} is not first, each or a number of events")
    return text


def _jobs(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 64:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of runs (1 to 64)")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds


def run(options: argparse.Namespace) -> int:
    """Run the storm; return the exit code."""
    problem = _problem(options)
    if problem:
        print(f"openaimock storm: {problem}", file=sys.stderr)
        return USAGE
    files = {name: getattr(options, name) for name in ("json", "xml", "html") if getattr(options, name)}
    for path in files.values():
        try:
            # Not after an hour of work: a file that cannot be written is an error before the first run.
            Path(path).open("a").close()
        except OSError as error:
            print(f"openaimock storm: cannot write {path}: {error.strerror}", file=sys.stderr)
            return FAILED
    from .session import Failure, storm

    with tempfile.TemporaryDirectory(prefix="openaimock-storm-") as folder, _signals():
        try:
            return storm(options, Path(folder), files)
        except Failure as failure:
            print(f"openaimock storm: {failure}", file=sys.stderr)
            return FAILED


def _problem(options: argparse.Namespace) -> str:
    """What is wrong with the arguments, "" when nothing is."""
    from ...storm.cells import parse_point
    from ...storm.kinds import select
    from .results import FAILED as failed
    from .results import HUNG

    if not options.command:
        return "name the command to run behind --: openaimock storm mock.yaml -- pytest -q tests/test_agent.py"
    allowed = (HUNG, failed, FINDINGS)
    wrong = [word for word in options.fail_on if word not in allowed]
    if wrong:
        return f"--fail-on: '{wrong[0]}' is not one of {', '.join(allowed)}"
    try:
        select(options.faults)
        if options.at is not None:
            parse_point(options.at)
    except ValueError as error:
        return str(error)
    if options.at is not None and not options.faults:
        return "--at needs --faults: openaimock storm mock.yaml --at 2.0 --faults stall -- COMMAND"
    return ""


@contextmanager
def _signals() -> Iterator[None]:
    """End as after Ctrl-C when another signal asks the process to end, so that it leaves no run behind."""
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]

    is_ending = False

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        nonlocal is_ending
        is_ending = True
        # The end takes a moment. A second signal would stop it before all runs are killed.
        for name in names:
            signal.signal(getattr(signal, name), signal.SIG_IGN)
        raise KeyboardInterrupt

    before: Mapping[str, Callable[[int, FrameType | None], object] | int | None] = {
        name: signal.signal(getattr(signal, name), interrupt) for name in names
    }
    try:
        yield
    finally:
        # After a signal the process ends, and ignores further ones to its last step.
        for name, handler in before.items() if not is_ending else ():
            signal.signal(getattr(signal, name), handler if handler is not None else signal.SIG_DFL)


def repeated_options(options: argparse.Namespace, timeout: float | None) -> Sequence[str]:
    """The options that a command line needs to repeat one cell: the configurations and the timeout in seconds, if it has one."""
    words = [*options.configs, *(word for name in options.more for word in ("--config", name))]
    return [*words, *(["--timeout", f"{timeout:g}"] if timeout is not None else [])]
