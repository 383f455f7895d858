"""The command line: serve a configuration, check one, ask it about a request, or begin one."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from . import __version__
from .errors import ConfigError, PortInUseError, Problem

if TYPE_CHECKING:
    from .app import App
    from .config.load import Config

#: Open files that a server asks for: every connection is one.
_FILES = 65536
GOOD, WRONG, USAGE, INTERRUPTED = 0, 1, 2, 130


class Command(NamedTuple):
    """One word after ``openaimock``: what it takes, what it does, and what it says of itself."""

    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    help: str


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code: 0 good, 1 could not start, 2 bad arguments, 130 interrupted."""
    given = list(sys.argv[1:] if argv is None else argv)
    name = given[0] if given and given[0] in COMMANDS else "serve"
    command = COMMANDS[name]
    parser = _parser(name, command)
    arguments = parser.parse_args(given[1:] if given and given[0] == name else given)
    try:
        return command.run(arguments)
    except ConfigError as error:
        print(error, file=sys.stderr)
        print(_count(len(error.problems), "problem"), file=sys.stderr)
        return WRONG
    except BrokenPipeError:
        # Whoever read what we print has had enough; Python's own flush at the end must not complain of it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return GOOD
    except PortInUseError as error:
        print(
            f"openaimock: port {error.port} on {error.host} is already in use; choose another with --port (0 takes a free one)",
            file=sys.stderr,
        )
        return WRONG
    except OSError as error:
        print(f"openaimock: cannot start: {error.strerror or error}", file=sys.stderr)
        return WRONG
    except KeyboardInterrupt:
        return INTERRUPTED


def _parser(name: str, command: Command) -> argparse.ArgumentParser:
    prog = "openaimock" if name == "serve" else f"openaimock {name}"
    others = "\n".join(f"  openaimock {word:<8} {other.help}" for word, other in COMMANDS.items() if word != "serve")
    parser = argparse.ArgumentParser(
        prog=prog,
        description=command.help,
        epilog=f"other commands:\n{others}" if name == "serve" else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    if name == "serve":
        parser.add_argument("--version", action="version", version=f"openaimock {__version__}")
    command.arguments(parser)
    return parser


def _config_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("configs", metavar="CONFIG", nargs="*", help="a YAML file of rules; - is standard input")
    parser.add_argument(
        "-c", "--config", dest="more", metavar="CONFIG", action="append", default=[], help="the same, as an option"
    )


def _serve_arguments(parser: argparse.ArgumentParser) -> None:
    _config_arguments(parser)
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


def _load(arguments: argparse.Namespace) -> Config:
    """The Config that the arguments name; without a name, what is piped in."""
    from .config.load import load

    sources: list[str] = [*arguments.configs, *arguments.more]
    if not sources:
        if sys.stdin is None or sys.stdin.isatty():
            print("openaimock: no configuration given: name a YAML file, or pipe one in (openaimock --help)", file=sys.stderr)
            sys.exit(USAGE)
        sources = ["-"]
    if "-" in sources and sys.stdin is None:
        raise ConfigError([Problem("<stdin>", "", "there is no standard input to read")])
    return load(sources, stdin=sys.stdin)


def _serve(arguments: argparse.Namespace) -> int:
    from dataclasses import replace

    from . import mock
    from .app import create_app
    from .server import Application, Server, listen

    told = {"unmatched": arguments.unmatched, "seed": arguments.seed}

    def configured() -> Config:
        return replace(_load(arguments), **{key: value for key, value in told.items() if value is not None})

    alone = ("watch", "coverage", "coverage_xml", "fail_uncovered", "fail_unmatched")
    given = [f"--{name.replace('_', '-')}" for name in alone if getattr(arguments, name)]
    if given and arguments.workers > 1:
        print(f"openaimock: {given[0]} works with one process: leave out --workers", file=sys.stderr)
        return USAGE
    config = configured()
    if arguments.watch and not config.files:
        print("openaimock: --watch needs a file to watch, not standard input", file=sys.stderr)
        return USAGE
    host, port = mock.address(config, arguments.host, arguments.port, os.environ)
    log = mock.logger(arguments.verbose, arguments.log_file, arguments.log_format, always=True)
    app = create_app(config, log)
    _make_room()
    rules = _count(len(config.rules), "rule")

    def ready(port: int) -> str:
        return f"openaimock listening on {mock.url(host, port)} ({rules})"

    if arguments.workers > 1:
        from .workers import share

        listener = listen(host, port)
        return share(app, listener, config.max_body, arguments.workers, ready(listener.getsockname()[1]))
    if len(given) > arguments.watch:
        app.spaces.past = []
    served: Application = app
    watched = None
    if arguments.watch:
        from .watch import Watched

        watched = served = Watched(app, configured, lambda said: print(said, file=sys.stderr, flush=True))
        watched.start()
    server = Server(served, host=host, port=port, max_body=config.max_body)
    stopped: list[int] = []

    def stop(number: int, frame: object) -> None:
        stopped.append(number)
        server.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
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


def _summed_up(arguments: argparse.Namespace, app: App) -> int:
    """Tell of the whole run what was asked for, and give the exit code that it deserves."""
    if not (arguments.coverage or arguments.coverage_xml or arguments.fail_uncovered or arguments.fail_unmatched):
        return GOOD
    from . import coverage, summary

    report = coverage.report(app.book.rules, [*app.spaces, *(app.spaces.past or ())])
    missed = app.metrics.unmatched
    uncovered = arguments.fail_uncovered and not summary.complete(report)
    unmatched = arguments.fail_unmatched and missed > 0
    if arguments.coverage or uncovered or unmatched:
        print(summary.table(report, missed), flush=True)
    if arguments.coverage_xml:
        try:
            Path(arguments.coverage_xml).write_text(summary.xml(report, missed), encoding="utf-8")
        except OSError as error:
            print(f"openaimock: cannot write {arguments.coverage_xml}: {error.strerror}", file=sys.stderr)
            return WRONG
    return WRONG if uncovered or unmatched else GOOD


def _check(arguments: argparse.Namespace) -> int:
    config = _load(arguments)
    files = ", ".join(map(str, config.files)) or "standard input"
    print(f"{files}: good: {_count(len(config.rules), 'rule')}, unmatched requests get {_unmatched(config.unmatched)}")
    return GOOD


def _explain_arguments(parser: argparse.ArgumentParser) -> None:
    _config_arguments(parser)
    parser.usage = "openaimock explain [-h] CONFIG [CONFIG...] REQUEST.json"
    parser.epilog = "REQUEST.json is the body of a request (- is standard input); the exit code is 1 when no rule answers it."


def _explain(arguments: argparse.Namespace) -> int:
    *arguments.configs, request = arguments.configs or [""]
    if not request or not (arguments.configs or arguments.more):
        print(
            "openaimock explain: name a configuration and a request: openaimock explain mock.yaml request.json", file=sys.stderr
        )
        return USAGE
    if request == "-" and "-" in (*arguments.configs, *arguments.more):
        print("openaimock explain: standard input is the configuration or the request, not both", file=sys.stderr)
        return USAGE
    from . import commands

    return commands.explained(_load(arguments), request, sys.stdin)


def _init_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", nargs="?", help="where to write it, if there is nothing yet; else it is printed")


def _init(arguments: argparse.Namespace) -> int:
    from . import commands

    return commands.init(arguments.file)


def _no_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def _schema(arguments: argparse.Namespace) -> int:
    from . import commands

    return commands.schema()


def _unmatched(unmatched: Any) -> str:
    if not isinstance(unmatched, str):
        return "the reply of the file"
    return {"error": "an error that explains", "echo": "the user's text back"}.get(unmatched, unmatched)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


#: Every command; a first argument that is none of these names a configuration to serve.
COMMANDS = {
    "serve": Command(_serve_arguments, _serve, "Serve a mock of the OpenAI API from YAML rules."),
    "check": Command(_config_arguments, _check, "Check a configuration: every problem, each with its place."),
    "explain": Command(_explain_arguments, _explain, "Say which rule answers a request, and why each other one does not."),
    "schema": Command(_no_arguments, _schema, "Print the JSON Schema of a configuration, for editors."),
    "init": Command(_init_arguments, _init, "Begin: a commented starter file."),
}
