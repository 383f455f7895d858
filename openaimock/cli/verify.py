"""The verify command: compare rules with the API that this version knows."""

from __future__ import annotations

import argparse
import os
import sys
import time

from .arguments import FAILED, OK, config_arguments, count, sources_of


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to a parser."""
    config_arguments(parser)
    parser.add_argument("--strict", action="store_true", help="exit with 1 also for what works, but has a newer form")


def run(arguments: argparse.Namespace) -> int:
    """Print what differs from the API, each with its place; 1 when something does."""
    from ..config.entries import read_entries
    from ..verify import findings

    entries = read_entries(sources_of(arguments), os.environ, sys.stdin)
    differing = findings(entries, time.time())
    failures = [finding for finding in differing if not finding.works]
    for finding in differing:
        print(f"warning: {finding.problem}" if finding.works else str(finding.problem), file=sys.stderr)
    if failures:
        print(count(len(failures), "problem"), file=sys.stderr)
        return FAILED
    warnings = len(differing)
    suffix = f", {count(warnings, 'warning')}" if warnings else ""
    print(f"{count(len(entries.rules), 'rule')} as the API is today{suffix}")
    return FAILED if arguments.strict and warnings else OK
