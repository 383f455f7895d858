"""The package in another project's folder, under another name; and as one file."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import openaimock

from .support.commands import Running, environment

ROOT = Path(__file__).parent.parent
SCRIPT = """
from theirs.vendored_mock import create_app, start_mock_server
from werkzeug.test import Client
app = create_app({"responses": [{"when": {"user": "Hello"}, "reply": "Hi!"}]})
body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}
print(Client(app).post("/v1/chat/completions", json=body).json["choices"][0]["message"]["content"])
with start_mock_server({"responses": [], "unmatched": "echo"}) as mock:
    print(mock.url.startswith("http://127.0.0.1:"))
import sys
print([name for name in sys.modules if name.split(".")[0] == "openaimock"])
"""


def test_a_copy_under_another_name_works(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "__init__.py").touch()
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(openaimock.__file__).parent, tmp_path / "theirs" / "vendored_mock", ignore=ignore)
    kept = {name: value for name, value in environment().items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, cwd=tmp_path, env=kept, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("Hi!\nTrue\n[]\n", "")


@pytest.mark.skipif(not (ROOT / ".venv").exists(), reason="scripts/zipapp builds with the project's own .venv")
def test_one_file_serves(tmp_path):
    output = tmp_path / "openaimock.pyz"
    made = subprocess.run([ROOT / "scripts" / "zipapp", output], capture_output=True, text=True, timeout=300)
    assert made.returncode == 0, made.stderr
    kept = {name: value for name, value in environment().items() if name != "PYTHONPATH"}
    # -S -E: nothing but the file and the standard library.
    command = [sys.executable, "-S", "-E", output, ROOT / "examples" / "quickstart.yaml", "--port", "0"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=kept, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        running = Running(process)
        answer = running.ask(headers={"authorization": "Bearer test-key"})
        assert answer.json()["choices"][0]["message"]["content"] == "Hi there! How can I help you today?"
        assert running.stop() == (0, "")
    finally:
        process.kill()
        process.communicate()
