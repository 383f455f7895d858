"""The serve command: arguments, workers, and what is printed at the end."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .arguments import GOOD, INTERRUPTED, USAGE, WRONG, config_arguments, count, load_config

if TYPE_CHECKING:
    from ..config.load import Config
    from ..wsgi import Application as MockApplication


#: Open files that a server asks for: every connection is one.
_FILES = 65536


def serve_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the serve command to a parser."""
    config_arguments(parser)
    parser.add_argument("-p", "--port", type=_port, metavar="N", help="port to listen on; 0 takes a free one (file's, else 3000)")
    parser.add_argument("--host", metavar="H", help="address to listen on (file's, else 127.0.0.1)")
    parser.add_argument("-l", "--log-file", metavar="F", help="keep the log in a file")
    parser.add_argument("-v", "--verbose", action="store_true", help="log every exchange")
    parser.add_argument("--log-format", choices=("text", "json"), default="text", help="how log lines are written")
    parser.add_argument("--workers", type=_workers, default=1, metavar="N", help="processes that share the port (1)")
    parser.add_argument("--watch", action="store_true", help="follow the files: an edit counts from the next request on")
    parser.add_argument("--coverage", action="store_true", help="print at the end which rules answered and which never did")
    parser.add_argument("--coverage-xml", metavar="F", help="write the same to a file as JUnit XML")
    parser.add_argument("--fail-uncovered", action="store_true", help="exit with 1 when a rule or a reply was never used")
    parser.add_argument("--fail-unmatched", action="store_true", help="exit with 1 when no rule matched some request")
    parser.add_argument("--unmatched", choices=("error", "echo", "auto"), help="what a request gets that no rule matches")
    parser.add_argument("--seed", type=int, metavar="N", help="seed of ids, jitter and all that is made up")


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (0 to 65535)")
    return int(text)


def _workers(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes (1 to 256)")
    return int(text)


def serve(arguments: argparse.Namespace) -> int:
    """Serve until a signal; the exit code."""
    from dataclasses import replace

    from ..server import Application, Server, address, listen, logs
    from ..server.signals import stopping_signals
    from ..wsgi import create_app

    told = {"unmatched": arguments.unmatched, "seed": arguments.seed}

    def configured() -> Config:
        return replace(load_config(arguments), **{key: value for key, value in told.items() if value is not None})

    alone = ("watch", "coverage", "coverage_xml", "fail_uncovered", "fail_unmatched")
    given = [f"--{name.replace('_', '-')}" for name in alone if getattr(arguments, name)]
    if given and arguments.workers > 1:
        print(f"openaimock: {given[0]} works with one process: leave out --workers", file=sys.stderr)
        return USAGE
    config = configured()
    if arguments.watch and not config.files:
        print("openaimock: --watch needs a file to watch, not standard input", file=sys.stderr)
        return USAGE
    host, port = address.address(config, arguments.host, arguments.port, os.environ)
    log = logs.logger(arguments.verbose, arguments.log_file, arguments.log_format, always=True)
    app = create_app(config, log)
    _make_room()
    rules = count(len(config.rules), "rule")

    def ready(port: int) -> str:
        return f"openaimock listening on {address.url(host, port)} ({rules})"

    if arguments.workers > 1:
        from ..server.workers import share

        listeners = listen(host, port)
        return share(app, listeners, config.max_body, log, arguments.workers, ready(listeners[0].getsockname()[1]))
    if len(given) > arguments.watch:
        app.api.namespaces.past = []
    served: Application = app
    watched = None
    if arguments.watch:
        from .reload import ReloadingApp

        watched = served = ReloadingApp(app, configured, lambda said: print(said, file=sys.stderr, flush=True))
        watched.start()
    server = Server(served, host=host, port=port, max_body=config.max_body, log=log)
    stopped: list[int] = []

    def stop(number: int, frame: object) -> None:
        stopped.append(number)
        if len(stopped) > 1:
            server.stop(0)
        else:
            server.stop()

    for number in stopping_signals():
        signal.signal(number, stop)
    print(ready(server.port), flush=True)
    server.run()
    code = _summed_up(arguments, watched.app if watched else app)
    return code or (INTERRUPTED if signal.SIGINT in stopped else GOOD)


def _make_room() -> None:
    """Room for thousands of connections, and a garbage collector that does not look at everything again and again."""
    import gc

    gc.collect()
    gc.freeze()
    # Thousands of streams that begin together are no garbage; to look at all of them again and again would stop every one.
    gc.set_threshold(10_000, 20, 10)
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _summed_up(arguments: argparse.Namespace, app: MockApplication) -> int:
    """Tell of the whole run what was asked for, and give the exit code that it deserves."""
    if not (arguments.coverage or arguments.coverage_xml or arguments.fail_uncovered or arguments.fail_unmatched):
        return GOOD
    from ..state import coverage
    from .coverage import complete, table, xml

    report = coverage.report(app.api.ruleset.rules, app.api.namespaces.counts())
    missed = app.api.metrics.unmatched
    uncovered = arguments.fail_uncovered and not complete(report)
    unmatched = arguments.fail_unmatched and missed > 0
    if arguments.coverage or uncovered or unmatched:
        print(table(report, missed), flush=True)
    if arguments.coverage_xml:
        try:
            Path(arguments.coverage_xml).write_text(xml(report, missed), encoding="utf-8")
        except OSError as error:
            print(f"openaimock: cannot write {arguments.coverage_xml}: {error.strerror}", file=sys.stderr)
            return WRONG
    return WRONG if uncovered or unmatched else GOOD
