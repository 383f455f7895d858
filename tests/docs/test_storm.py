"""docs/storm.rst: its example has the grid that the page shows, and its table is that of the code. The agent's test passes."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

from docutils.nodes import entry, literal_block, row

from openaimock.cli import main
from openaimock.storm.kinds import KINDS

from ..support.commands import ROOT, environment
from ..test_pytest_plugin import PLUGIN
from .page import tree


def blocks():
    return [((block["classes"] or [""])[-1], block.astext()) for block in tree("storm.rst").findall(literal_block)]


def test_the_example_has_the_grid_of_the_page(tmp_path, monkeypatch, capsys):
    languages = dict(reversed(blocks()))
    grid = next(text for _, text in blocks() if "exchanges of the clean run" in text)
    Path(tmp_path, "mock.yaml").write_text(languages["yaml"])
    Path(tmp_path, "client.py").write_text(languages["python"])
    words = shlex.split(languages["console"].removeprefix("$ openaimock "))
    words[words.index("python")] = sys.executable
    # A cell that hangs would take as long as its timeout; tests/storm has one.
    words[words.index("--faults") + 1] = "503,outage,truncate"
    del words[words.index("--timeout") : words.index("--timeout") + 2]
    monkeypatch.chdir(tmp_path)
    assert main(words) == 0
    lines = [line for line in grid.splitlines() if line and not line.startswith("stall")]
    lines[-1] = "3 cells: 1 recovered, 2 failed cleanly, 0 hung; 3 with findings about the client"
    output = [line for line in capsys.readouterr().out.splitlines() if line]
    assert output[: len(lines)] == lines


def test_the_table_of_faults_is_that_of_the_code():
    rows = [[cell.astext() for cell in line.findall(entry)] for line in tree("storm.rst").findall(row)]
    assert [cells for cells in rows if len(cells) == 3][1:] == [[kind.name, kind.group, kind.doc] for kind in KINDS]


def test_the_page_describes_every_option():
    text = tree("storm.rst").astext()
    for option in ("--faults", "--points", "--jobs", "--timeout", "--fail-on", "--at", "--json", "--xml", "--html"):
        assert option in text


def test_the_agent_of_the_examples_passes_its_test():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *PLUGIN, str(ROOT / "examples" / "agent")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment(), timeout=300)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
