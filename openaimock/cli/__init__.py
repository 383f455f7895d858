"""The command line: serve, check, explain and create configurations."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple, NoReturn

from .. import __version__
from ..errors import ConfigError, PortInUseError
from .arguments import FAILED, INTERRUPTED, OK, USAGE, config_arguments, count, load_config, print_warnings
from .serve import serve, serve_arguments


class Command(NamedTuple):
    """A command: a function that adds its arguments, a function that runs it, and its help text.

    With ``runs`` it takes the words behind ``--`` as another command to run.
    """

    arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]
    help: str
    runs: bool = False


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 good, 1 could not start, 2 bad arguments, 130 interrupted."""
    words = list(sys.argv[1:] if argv is None else argv)
    explicit = bool(words) and words[0] in COMMANDS
    name = words[0] if explicit else "serve"
    if not explicit and words and words[0].isalpha() and not os.path.exists(words[0]):
        print(f"openaimock: '{words[0]}' is not a command or a file; {_advice(words[0])}", file=sys.stderr)
        return USAGE
    command = COMMANDS[name]
    parser = _parser(name, command)
    words = words[1:] if explicit else words
    if command.runs and not {"--", "-h", "--help"} & set(words):
        # Without the separator the options of the other command would be taken for ours; the command says so.
        words = ["--"]
    end = words.index("--") if command.runs and "--" in words else len(words)
    arguments = parser.parse_args(words[:end])
    arguments.command = words[end + 1 :]
    try:
        return command.run(arguments)
    except ConfigError as error:
        print(error, file=sys.stderr)
        print(count(len(error.problems), "problem"), file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # The reader of our output has closed it; Python's own flush at exit must not report the same error again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except PortInUseError as error:
        print(
            f"openaimock: port {error.port} on {error.host} is already in use; choose another with --port (0 takes a free one)",
            file=sys.stderr,
        )
        return FAILED
    except OSError as error:
        print(f"openaimock: cannot start: {error.strerror or error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _advice(word: str) -> str:
    """What to type instead of a word that is no command."""
    from difflib import get_close_matches

    close = get_close_matches(word.lower(), COMMANDS, 1, 0.7)
    return f"did you mean '{close[0]}'?" if close else "openaimock --help lists the commands"


class _Parser(argparse.ArgumentParser):
    """A parser that suggests an option in place of a misspelt one.

    Each ``add_argument`` makes a formatter, which without a width imports ``shutil``: a fiftieth of the time of a start.
    """

    def format_help(self) -> str:
        """The help, as wide as the terminal."""
        self.formatter_class = argparse.RawDescriptionHelpFormatter
        return super().format_help()

    def format_usage(self) -> str:
        """The usage, as wide as the terminal."""
        self.formatter_class = argparse.RawDescriptionHelpFormatter
        return super().format_usage()

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with 2."""
        from difflib import get_close_matches

        unknown = re.search(r"^unrecognized arguments: .*?(--[\w-]+)", message)
        close = get_close_matches(unknown[1], self._option_string_actions, 1, 0.7) if unknown else []
        super().error(f"{message}; did you mean '{close[0]}'?" if close else message)


def _parser(name: str, command: Command) -> argparse.ArgumentParser:
    prog = "openaimock" if name == "serve" else f"openaimock {name}"
    others = "\n".join(f"  openaimock {word:<10} {other.help}" for word, other in COMMANDS.items())
    parser = _Parser(
        prog=prog,
        description=command.help,
        epilog=f"commands (without one: serve):\n{others}" if name == "serve" else None,
        formatter_class=partial(argparse.RawDescriptionHelpFormatter, width=80),
        allow_abbrev=False,
    )
    if name == "serve":
        parser.add_argument("--version", action="version", version=f"openaimock {__version__}")
    command.arguments(parser)
    return parser


def _check(arguments: argparse.Namespace) -> int:
    config = load_config(arguments)
    print_warnings(config)
    files = ", ".join(map(str, config.files)) or "standard input"
    print(f"{files}: good: {count(len(config.rules), 'rule')}, unmatched requests get {_unmatched(config.unmatched)}")
    if config.warnings and arguments.strict:
        print(count(len(config.warnings), "warning"), file=sys.stderr)
        return FAILED
    return OK


def _check_arguments(parser: argparse.ArgumentParser) -> None:
    config_arguments(parser)
    parser.add_argument("--strict", action="store_true", help="exit with 1 when there are warnings")


def _explain_arguments(parser: argparse.ArgumentParser) -> None:
    config_arguments(parser)
    parser.add_argument("--all", action="store_true", help="show every rule, not only the nearest 20")
    parser.usage = "openaimock explain [-h] [--all] CONFIG [CONFIG...] REQUEST.json"
    parser.epilog = "REQUEST.json is the body of a request (- is standard input); the exit code is 1 when no rule answers it."


def _explain(arguments: argparse.Namespace) -> int:
    *arguments.configs, request = arguments.configs or [""]
    if not request or not (arguments.configs or arguments.more):
        print(
            "openaimock explain: expected a configuration and a request: openaimock explain mock.yaml request.json",
            file=sys.stderr,
        )
        return USAGE
    if request.endswith((".yaml", ".yml")):
        print(
            f"openaimock explain: the request comes last, and '{request}' is a YAML file; exchange the arguments", file=sys.stderr
        )
        return USAGE
    if request == "-" and "-" in (*arguments.configs, *arguments.more):
        print("openaimock explain: standard input is the configuration or the request, not both", file=sys.stderr)
        return USAGE
    from . import commands

    return commands.explain_request(load_config(arguments), request, sys.stdin, all=arguments.all)


def _init_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", nargs="?", help="the file to write, which must not exist; default: print the text"
    )


def _init(arguments: argparse.Namespace) -> int:
    from . import commands

    return commands.init(arguments.file)


def _no_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def _schema(arguments: argparse.Namespace) -> int:
    from . import commands

    return commands.schema()


def _completion_arguments(parser: argparse.ArgumentParser) -> None:
    from . import completion

    completion.arguments(parser)


def _completion(arguments: argparse.Namespace) -> int:
    from . import completion

    commands = {name: completion.of_parser(_parser(name, command), command.help) for name, command in COMMANDS.items()}
    print(completion.script(arguments.shell, commands), end="")
    return OK


def _unmatched(unmatched: Any) -> str:
    if not isinstance(unmatched, str):
        return "the reply of the file"
    return {"error": "an error that explains", "echo": "the user's text back"}.get(unmatched, unmatched)


def _in_module(name: str, help: str, runs: bool = False) -> Command:
    """A command whose ``arguments`` and ``run`` are in the module of its name, which is imported when the command is used."""

    def module() -> Any:
        return import_module(f".{name}", __package__)

    def run(arguments: argparse.Namespace) -> int:
        code: int = module().run(arguments)
        return code

    return Command(lambda parser: module().arguments(parser), run, help, runs)


#: Every command; any other first argument is a configuration to serve.
COMMANDS = {
    "serve": Command(serve_arguments, serve, "Serve a mock of the OpenAI API from YAML rules."),
    "check": Command(_check_arguments, _check, "Check a configuration: print every problem with its place."),
    "verify": _in_module("verify", "Compare rules with the models, parameters and answers of the API."),
    "explain": Command(_explain_arguments, _explain, "Print which rule answers a request, and why the others do not."),
    "schema": Command(_no_arguments, _schema, "Print the JSON Schema of a configuration, for editors."),
    "convert": _in_module("convert", "Write rules from the files of other tools: cassettes, HAR, fixtures, batches."),
    "record": _in_module("record", "Pass requests on to a server and record the answers as rules."),
    "storm": _in_module("storm", "Test a command against every fault at every point of its requests.", runs=True),
    "init": Command(_init_arguments, _init, "Print or write a commented starter file."),
    "completion": Command(_completion_arguments, _completion, "Print a script that completes commands and options in a shell."),
}
