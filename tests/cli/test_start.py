"""A start imports only what a small mock needs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

#: Modules that take a hundredth of a start or more, and that only some mocks, requests or mistakes need.
LATER = {
    *("waitress", "werkzeug", "difflib"),
    *("openaimock.text.redaction_texts", "openaimock.text.redaction_members", "openaimock.server.parsed", "openaimock.media"),
}


def test_a_start_imports_only_what_a_small_mock_needs(tmp_path: Path) -> None:
    config = tmp_path / "mock.yaml"
    config.write_text("responses:\n- {when: {user: hi}, reply: hello}\n", encoding="utf-8")
    command = [sys.executable, "-X", "importtime", "-m", "openaimock", str(config), "--port", "0"]
    log = tmp_path / "imports.txt"
    # A measurement of coverage imports modules of its own.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    with (
        log.open("w") as file,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file, text=True, env=environ) as process,
    ):
        assert process.stdout is not None
        ready = process.stdout.readline()
        process.terminate()
    names = set(re.findall(r"^import time:.*\| +(\S+)$", log.read_text(encoding="utf-8"), re.MULTILINE))
    assert ready.startswith("openaimock listening")
    assert "openaimock.server" in names
    assert names & LATER == set()
