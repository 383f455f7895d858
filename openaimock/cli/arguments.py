"""Shared by the commands: configuration arguments, exit codes, and counted nouns."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from ..errors import ConfigError, Problem
from ..errors import lines as problem_lines

if TYPE_CHECKING:
    from ..config.load import Config

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


def config_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the names of configurations to a parser."""
    parser.add_argument("configs", metavar="CONFIG", nargs="*", help="a YAML file of rules; - is standard input")
    parser.add_argument(
        "-c", "--config", dest="more", metavar="CONFIG", action="append", default=[], help="the same, as an option"
    )


def load_config(arguments: argparse.Namespace) -> Config:
    """The Config of the files in the arguments, else of piped standard input."""
    from ..config.load import load

    source = getattr(arguments, "source", None)
    return load(source) if source is not None else load(sources_of(arguments), stdin=sys.stdin)


def sources_of(arguments: argparse.Namespace) -> list[str]:
    """The names of configurations in the arguments, else standard input if something is piped in."""
    sources: list[str] = [*arguments.configs, *arguments.more]
    if not sources:
        if sys.stdin is None or sys.stdin.isatty():
            print("openaimock: no configuration: name a YAML file, or pipe one in (openaimock --help)", file=sys.stderr)
            sys.exit(USAGE)
        sources = ["-"]
    if "-" in sources and sys.stdin is None:
        raise ConfigError([Problem("<stdin>", "", "there is no standard input to read")])
    return sources


def print_warnings(config: Config) -> None:
    """Print the warnings of a configuration on standard error."""
    for line in problem_lines(config.warnings):
        print(f"warning: {line}", file=sys.stderr)


def count(number: int, noun: str) -> str:
    """A number with its noun: ``1 rule``, ``2 rules``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
