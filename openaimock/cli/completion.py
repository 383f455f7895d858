"""The command ``completion``: scripts that let a shell complete the commands and options."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple


class Option(NamedTuple):
    """An option as it is typed, its help, the words that its value can be, and whether it has a value."""

    names: tuple[str, ...]
    help: str
    choices: tuple[str, ...]
    takes_value: bool


class Completion(NamedTuple):
    """What can be typed after a command. ``words`` are the choices of its argument; without them it takes files."""

    help: str
    options: tuple[Option, ...]
    words: tuple[str, ...] = ()


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("shell", choices=tuple(SHELLS), help="the shell that reads the script")
    parser.epilog = (
        'bash: eval "$(openaimock completion bash)" in ~/.bashrc; zsh: the same in ~/.zshrc, after compinit; '
        "fish: openaimock completion fish > ~/.config/fish/completions/openaimock.fish"
    )


def of_parser(parser: argparse.ArgumentParser, text: str) -> Completion:
    """What a parser accepts; ``text`` is the help of its command."""
    options: list[Option] = []
    words: list[str] = []
    for action in parser._actions:
        if not action.option_strings:
            words += map(str, action.choices or ())
        elif action.help != argparse.SUPPRESS:
            choices = tuple(map(str, action.choices or ()))
            options.append(Option(tuple(action.option_strings), action.help or "", choices, action.nargs != 0))
    return Completion(text, tuple(options), tuple(words))


def script(shell: str, commands: Mapping[str, Completion]) -> str:
    """The script for a shell."""
    return "".join(f"{line}\n" for line in SHELLS[shell](commands))


def _bash(commands: Mapping[str, Completion]) -> Iterator[str]:
    """A function that reads the words from a case statement, so that no process starts at a key press."""
    yield "# bash completion for openaimock"
    yield "_openaimock() {"
    yield '    local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" command="${COMP_WORDS[1]}" words=""'
    yield "    COMPREPLY=()"
    yield f'    case "$command" in {"|".join(commands)}) ;; *) [ "$COMP_CWORD" = 1 ] || command=serve ;; esac'
    yield '    case "$command $before" in'
    for name, option in _with_choices(commands):
        pattern = "|".join(f'"{name} {spelling}"' for spelling in option.names)
        yield f"        {pattern}) words='{' '.join(option.choices)}' ;;"
    yield "    esac"
    yield '    if [ -z "$words" ] && [ "${word:0:1}" = - ]; then'
    yield '        case "$command" in'
    for name, completion in commands.items():
        if name != "serve":
            yield f"            {name}) words='{_words(completion)}' ;;"
    yield f"            *) words='{_words(commands['serve'])}' ;;"
    yield "        esac"
    for name, completion in commands.items():
        if completion.words:
            yield f"""    elif [ "$command $COMP_CWORD" = '{name} 2' ]; then"""
            yield f"        words='{' '.join(completion.words)}'"
    yield '    elif [ -z "$words" ] && [ "$COMP_CWORD" = 1 ]; then'
    yield f"        words='{' '.join(commands)}'"
    yield "    fi"
    yield '    COMPREPLY=($(compgen -W "$words" -- "$word"))'
    yield '    [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$word"))'
    yield "}"
    yield "complete -o filenames -F _openaimock openaimock"


def _zsh(commands: Mapping[str, Completion]) -> Iterator[str]:
    yield "#compdef openaimock"
    yield "_openaimock() {"
    yield "    local -a commands"
    yield "    commands=("
    for name, completion in commands.items():
        yield f"        {_quoted(f'{name}:{completion.help}')}"
    yield "    )"
    yield "    if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then"
    yield "        _describe -t commands command commands"
    yield "        _files"
    yield "        return"
    yield "    fi"
    yield "    case $words[2] in"
    for name, completion in commands.items():
        if name != "serve":
            values = f"'*:word:({' '.join(completion.words)})'" if completion.words else "'*:file:_files'"
            yield f"        {name}) _arguments {_specs(completion)} {values} ;;"
    yield f"        *) _arguments {_specs(commands['serve'])} '*:file:_files' ;;"
    yield "    esac"
    yield "}"
    yield "compdef _openaimock openaimock"


def _fish(commands: Mapping[str, Completion]) -> Iterator[str]:
    others = " ".join(name for name in commands if name != "serve")
    for name, completion in commands.items():
        yield f"complete -c openaimock -n __fish_use_subcommand -a {name} -d {_fish_quoted(completion.help)}"
        condition = f"not __fish_seen_subcommand_from {others}" if name == "serve" else f"__fish_seen_subcommand_from {name}"
        if completion.words:
            yield f"complete -c openaimock -n '{condition}' -f -a '{' '.join(completion.words)}'"
        for option in completion.options:
            names = " ".join(f"-l {word[2:]}" if word.startswith("--") else f"-s {word[1:]}" for word in option.names)
            value = f" -x -a '{' '.join(option.choices)}'" if option.choices else " -r" if option.takes_value else ""
            yield f"complete -c openaimock -n '{condition}' {names}{value} -d {_fish_quoted(option.help)}"


def _with_choices(commands: Mapping[str, Completion]) -> Iterator[tuple[str, Option]]:
    for name, completion in commands.items():
        for option in completion.options:
            if option.choices:
                yield name, option


def _words(completion: Completion) -> str:
    return " ".join(name for option in completion.options for name in option.names)


def _specs(completion: Completion) -> str:
    """The options in the words of zsh's ``_arguments``."""
    return " ".join(_spec(name, option) for option in completion.options for name in option.names)


def _spec(name: str, option: Option) -> str:
    text = option.help.replace("[", "(").replace("]", ")").replace(":", " ")
    value = f":value:({' '.join(option.choices)})" if option.choices else ":value:_files" if option.takes_value else ""
    return _quoted(f"{name}[{text}]{value}")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _fish_quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


#: The shells, each with the lines of its script.
SHELLS: Mapping[str, Callable[[Mapping[str, Completion]], Iterable[str]]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
