"""The examples of docs/commands.rst run as written; all pages are well-formed."""

from __future__ import annotations

import re
import shlex

import pytest
from docutils.nodes import entry, literal_block, row, title

from ..support.commands import run
from ..test_layers import ORDER
from .page import DOCS, tree


def blocks(name):
    return [(block, block["classes"][-1], block.astext()) for block in tree(name).findall(literal_block)]


def test_the_findings_of_verify_are_those_of_the_page(tmp_path, monkeypatch, capsys):
    from openaimock.cli import main

    page = {name: text for block, _, text in blocks("commands.rst") for name in block["names"]}
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.yaml").write_text(page["verify-example"])
    assert main(["verify", "old.yaml"]) == 1
    assert capsys.readouterr().err.rstrip("\n") == page["verify-output"]


def test_the_commands_have_the_output_of_the_page(tmp_path):
    page = blocks("commands.rst")
    (tmp_path / "mock.yaml").write_text(next(text for _, language, text in page if language == "yaml"))
    (tmp_path / "request.json").write_text(next(text for _, language, text in page if language == "json"))
    sessions = [text.partition("\n") for _, language, text in page if language == "console"]
    commands = [(command, output) for command, _, output in sessions if not output.startswith("$")]
    assert len(commands) == 3
    for command, output in commands:
        _, _, *arguments = shlex.split(command)
        assert run(*arguments, cwd=tmp_path).stdout.rstrip("\n") == output


def test_the_page_describes_every_option_and_command(capsys):
    from openaimock.cli import COMMANDS, main

    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    options = set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out)) - {"--help"}
    assert {"--port", "--host", "--log-file", "--verbose", "--log-format", "--workers", "--watch", "--seed"} < options
    page = tree("commands.rst")
    rows = [next(iter(line.findall(entry))).astext() for line in page.findall(row)]
    assert {option for option in options if not any(option in cell.split() for cell in rows)} == set()
    titles = {heading.astext() for heading in page.findall(title)}
    assert {*COMMANDS} - {"serve"} <= titles


#: Pages with directives of Sphinx, or that include a file from outside the folder.
SPHINX_ONLY = ("index.rst", "changes.rst", "contributing.rst", "reference.rst")
PAGES = [path.name for path in sorted(DOCS.glob("*.rst")) if path.name not in SPHINX_ONLY]


@pytest.mark.parametrize("page", [*PAGES, "../README.rst", "../CHANGES.rst", "../CONTRIBUTING.rst"])
def test_the_page_is_well_formed(page):
    assert tree(page).astext()


def test_the_design_page_lists_the_packages_in_their_order():
    first_cells = [next(iter(line.findall(entry))).astext().rstrip("/") for line in tree("design.rst").findall(row)]
    assert first_cells == [name for name in ORDER if not name.startswith("__")]


def test_the_design_page_names_the_stages():
    from openaimock.app import STAGES

    listing = next(text for text in map(literal_block.astext, tree("design.rst").findall(literal_block)) if "STAGES" in text)
    assert listing == f"STAGES = ({', '.join(stage.__name__ for stage in STAGES)})"
