"""The serve command: arguments, workers, and the report at the end."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .arguments import FAILED, INTERRUPTED, OK, USAGE, config_arguments, count, load_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from logging import Logger

    from ..config.load import Config
    from ..server import Server
    from ..wsgi import Application as MockApplication
    from .recording_report import RecordingReport
    from .reload import ReloadingApp


#: The limit of open files that the server requests: every connection is one.
_FILES = 65536


def serve_arguments(parser: argparse.ArgumentParser, *, configs: bool = True) -> None:
    """Add the arguments of the serve command to a parser; without ``configs`` the caller sets ``source``."""
    if configs:
        config_arguments(parser)
    parser.add_argument("-p", "--port", type=_port, metavar="N", help="port to listen on; 0 takes a free one (file's, else 3000)")
    parser.add_argument("--host", metavar="H", help="address to listen on (file's, else 127.0.0.1)")
    parser.add_argument("-l", "--log-file", metavar="F", help="write the log to a file")
    parser.add_argument("-v", "--verbose", action="store_true", help="log every exchange")
    parser.add_argument("--log-format", choices=("text", "json"), default="text", help="how log lines are written")
    parser.add_argument(
        "--workers", type=_workers, default=1, metavar="N", help="processes that share the port and the state (1)"
    )
    parser.add_argument("--watch", action="store_true", help="reload when a configuration file changes")
    parser.add_argument("--coverage", action="store_true", help="print the coverage of the rules at the end")
    parser.add_argument("--coverage-xml", metavar="F", help="write the coverage to a file as JUnit XML")
    parser.add_argument("--fail-uncovered", action="store_true", help="exit with 1 when a rule or a reply was never used")
    parser.add_argument(
        "--fail-unexpected", action="store_true", help="exit with 1 when a rule answered not as often as expected"
    )
    parser.add_argument("--fail-unmatched", action="store_true", help="exit with 1 when a request matched no rule")
    parser.add_argument(
        "--unmatched", choices=("error", "echo", "auto", "proxy"), help="the answer to a request that no rule matches"
    )
    parser.add_argument("--verdict", action="store_true", help="print at the end what the requests show about the client")
    parser.add_argument("--seed", type=int, metavar="N", help="seed of ids, jitter and generated values")


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (0 to 65535)")
    return int(text)


def _workers(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes (1 to 256)")
    return int(text)


def serve(arguments: argparse.Namespace) -> int:
    """Serve until a signal arrives; return the exit code."""
    # What a start makes stays. Passes of the garbage collector over it would take a fifth of the time of a start.
    gc.disable()
    try:
        return _serve(arguments)
    finally:
        gc.enable()


def _serve(arguments: argparse.Namespace) -> int:
    from ..server import Server, address, listen, logs
    from ..server.pool import threads
    from ..wsgi import application

    if arguments.coverage_xml and (problem := _unwritable(arguments.coverage_xml)):
        return _usage(f"cannot write {arguments.coverage_xml}: {problem}")
    config = _configured(arguments)
    if arguments.watch and not config.files:
        return _usage("--watch needs a file to watch, not standard input")
    host, port = address.address(config, arguments.host, arguments.port, os.environ)
    log = logs.logger(arguments.verbose, arguments.log_file, arguments.log_format, always=True)
    report = _reporter(arguments, log)
    for warning in config.warnings:
        report(f"warning: {warning}")
    number_of_rules = len(config.rules)
    config, rules = (config, None) if arguments.watch else _without_rules(config)
    with _own_store(config, arguments.workers) as config:
        app = application(config, log, rules)
        _tune_process()
        if _reports(arguments):
            app.api.namespaces.remember()
        recording = _recording_report(app, arguments.workers)

        def ready(port: int) -> str:
            return _ready_lines(config, number_of_rules, address.url(host, port))

        server = partial(Server, threads=threads(config), max_body=config.max_body, log=app.api.log)
        if arguments.workers == 1:
            served = _served(arguments, app, config.store, report)
            return _serve_here(arguments, app, served, partial(server, host=host, port=port), ready, recording)
        from ..server.workers import share

        listeners = listen(host, port)
        line = ready(listeners[0].getsockname()[1])
        code = share(lambda: _served(arguments, app, config.store, report), server, listeners, arguments.workers, line, report)
        if recording is not None:
            recording.end()
        code = _report_run(arguments, app) or code
        app.close()
        return code


def _reporter(arguments: argparse.Namespace, log: Logger) -> Callable[[str], None]:
    """What prints a message about the server: as it is, or where the log has the JSON format as a record of the log."""

    def report(message: str) -> None:
        if arguments.log_format == "json":
            log.warning("%s", message.removeprefix("openaimock: "))
            return
        with suppress(OSError):
            print(message, file=sys.stderr, flush=True)

    return report


@contextmanager
def _own_store(config: Config, workers: int) -> Iterator[Config]:
    """The configuration; if it names no store, with a SQLite file that only the workers share and that goes with them."""
    if workers == 1 or config.store != "memory" or not hasattr(os, "fork"):
        yield config
        return
    from dataclasses import replace

    from ..state.temporary_folder import TemporaryFolder

    # Its lock is held by this process and its workers: it is free when the last of them has ended, however that was.
    folder = TemporaryFolder.new("workers-")
    owner = os.getpid()
    try:
        yield replace(config, store=f"sqlite:///{folder.path / 'state.db'}")
    finally:
        if os.getpid() == owner:
            folder.delete()


def _served(
    arguments: argparse.Namespace, app: MockApplication, store: str, report: Callable[[str], None]
) -> MockApplication | ReloadingApp:
    """What one process serves: the mock, which is loaded again when its files change if that was asked for."""
    if not arguments.watch:
        return app
    from dataclasses import replace

    from .reload import ReloadingApp

    watched = ReloadingApp(app, lambda: replace(_configured(arguments), store=store), report)
    watched.start()
    return watched


def _configured(arguments: argparse.Namespace) -> Config:
    """The configuration of the files, with the settings that flags replace."""
    from dataclasses import replace

    from ..config.warnings import NO_RULES
    from ..errors import ConfigError, Problem

    config = load_config(arguments)
    if config.record is not None and config.record.active and arguments.unmatched not in (None, "proxy"):
        message = "while exchanges are recorded, what no rule answers goes to the upstream; leave the option out"
        raise ConfigError([Problem("", "--unmatched", message)])
    if arguments.unmatched in ("echo", "auto"):
        config = replace(config, warnings=tuple(one for one in config.warnings if one.message != NO_RULES))
    flags = {"unmatched": arguments.unmatched, "seed": arguments.seed}
    return replace(config, **{key: value for key, value in flags.items() if value is not None})


def _without_rules(config: Config) -> tuple[Config, Iterator[Mapping[str, Any]]]:
    """The configuration without its rules, and the rules, each of which is freed as soon as the next one is taken.

    The normal forms of very many rules take more memory than the rules that are built from them.
    """
    from collections import deque
    from dataclasses import replace

    waiting = deque(config.rules)

    def take_all() -> Iterator[Mapping[str, Any]]:
        while waiting:
            yield waiting.popleft()

    return replace(config, rules=()), take_all()


def _ready_lines(config: Config, number_of_rules: int, url: str) -> str:
    """What is printed when the server is ready: the base URL, and the address of the inspector."""
    line = f"openaimock listening on {url} ({count(number_of_rules, 'rule')})"
    return f"{line}\ninspector: {url.removesuffix('/v1')}/__openaimock/" if config.admin else line


def _serve_here(
    arguments: argparse.Namespace,
    app: MockApplication,
    served: MockApplication | ReloadingApp,
    make_server: Callable[..., Server],
    ready: Callable[[int], str],
    recording: RecordingReport | None,
) -> int:
    """Serve in this process until a signal arrives; return the exit code."""
    from ..server.signals import stopping_signals

    server = make_server(served)
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
    if recording is not None:
        recording.show()
    server.run()
    if recording is not None:
        recording.end()
    code = _report_run(arguments, getattr(served, "app", app))
    served.close()
    return code or (INTERRUPTED if signal.SIGINT in stopped else OK)


def _unwritable(file: str) -> str:
    """Why a results file cannot be written, "" when it can. A long run must not lose its results at the end."""
    try:
        with open(file, "a", encoding="utf-8"):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def _reports(arguments: argparse.Namespace) -> bool:
    """Whether the run ends with a report on all of it."""
    names = ("coverage", "coverage_xml", "fail_uncovered", "fail_unexpected", "fail_unmatched")
    return any(getattr(arguments, name) for name in names)


def _usage(message: str) -> int:
    print(f"openaimock: {message}", file=sys.stderr)
    return USAGE


def _recording_report(app: MockApplication, workers: int) -> RecordingReport | None:
    """The report on what a mock records, None when it does not record."""
    recorder = app.api.upstream.recorder
    if recorder is None:
        return None
    from .recording_report import RecordingReport

    return RecordingReport(recorder, app.api.log, workers)


def _report_verdict(app: MockApplication) -> None:
    """Print what the journals show about the client."""
    from .. import verdict
    from ..config.load import secrets
    from ..text import redaction

    exchanges = [exchange for namespace in app.api.namespaces for exchange in namespace.exchanges()]
    findings = verdict.findings(exchanges)
    summary = f"verdict: {count(len(findings), 'finding')} about the client in {count(len(exchanges), 'exchange')}"
    print(redaction.text("\n".join([summary, *verdict.lines(findings)]), secrets(app.api.config)), flush=True)


def _tune_process() -> None:
    """Raise the limit of open files for thousands of connections, and collect garbage from now on, but rarely all of it."""
    gc.freeze()
    # Thousands of running streams are not garbage; repeated passes over them would delay every stream.
    gc.set_threshold(10_000, 20, 10)
    gc.enable()
    try:
        import resource
    except ImportError:  # Windows does not have this limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < target:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))


def _report_run(arguments: argparse.Namespace, app: MockApplication) -> int:
    """Print and write the requested reports on the whole run; return the exit code."""
    if arguments.verdict:
        _report_verdict(app)
    if not _reports(arguments):
        return OK
    from ..state import coverage
    from ..state.metrics import merge
    from ..testing.coverage_report import complete, table, xml

    report = coverage.report(app.api.ruleset.rules, app.api.namespaces.counts())
    snapshots = app.api.namespaces.snapshots()
    missed = merge(snapshots.values()).unmatched if snapshots else app.api.sender.metrics.unmatched
    uncovered = arguments.fail_uncovered and not complete(report)
    unexpected = arguments.fail_unexpected and report["unexpected"]
    unmatched = arguments.fail_unmatched and missed > 0
    if arguments.coverage or uncovered or unexpected or unmatched:
        print(table(report, missed), flush=True)
    if arguments.coverage_xml:
        try:
            Path(arguments.coverage_xml).write_text(xml(report, missed), encoding="utf-8")
        except OSError as error:
            print(f"openaimock: cannot write {arguments.coverage_xml}: {error.strerror}", file=sys.stderr)
            return FAILED
    return FAILED if uncovered or unexpected or unmatched else OK
