"""The mock inside other applications and servers, as the page about mounts shows it."""

from __future__ import annotations

import http.client
import importlib.util
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

import openai
import pytest
from openai import OpenAI

from ..support.commands import ROOT, environment

PAGE = (ROOT / "docs" / "mounts.rst").read_text("utf-8")
RULES = """
responses:
  - {when: {user: Hello}, reply: {content: "one two three", pace: {chunk: word}}}
  - {when: {user: limit}, reply: {error: 429}}
"""
#: The applications of the page that mount the mock at /mock, with the command that serves the module.
MOUNTED = {
    "mount_flask": "waitress-serve --listen 127.0.0.1:8000 mount_flask:app",
    "mount_django": "waitress-serve --listen 127.0.0.1:8000 mount_django:application",
    "mount_fastapi": "uvicorn --host 127.0.0.1 --port 8000 mount_fastapi:app",
    "mount_starlette": "uvicorn --host 127.0.0.1 --port 8000 mount_starlette:app",
}
SERVERS = ("gunicorn", "uwsgi", "granian", "waitress")
#: What each of them imports; it is skipped where that is not installed.
PACKAGES = {"mount_django": "django", "mount_fastapi": "fastapi", "mount_starlette": "starlette"}
DJANGO = "from django.conf import settings\nsettings.configure(SECRET_KEY='k', ROOT_URLCONF=__name__)\nurlpatterns = []\n"


def block(name: str) -> str:
    """The code block of the page with a name."""
    match = re.search(rf"^\.\. code-block:: \w+\n    :name: {name}\n\n((?:    .*\n|\n)+)", PAGE, re.MULTILINE)
    assert match, name
    return "\n".join(line[4:] for line in match[1].splitlines()).strip() + "\n"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def serve_command(tmp_path):
    """Run a command that serves port 8000, on a free port; the base URL without the path."""
    processes = []

    def run(command: str) -> str:
        command = command.replace("\\\n", " ").replace("8000", str(port := free_port()))
        name, *words = shlex.split(command)
        program = shutil.which(name, path=f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin")
        if program is None:
            pytest.skip(f"{name} is not installed")
        variables = environment() | {"PYTHONPATH": f"{ROOT}:{tmp_path}", "PYTHONWARNINGS": ""}
        with (tmp_path / "log").open("w") as log:
            process = subprocess.Popen(
                [program, *words], cwd=tmp_path, env=variables, stdout=log, stderr=log, start_new_session=True
            )
        processes.append(process)
        wait_for_port(port, process, tmp_path / "log")
        return f"http://127.0.0.1:{port}"

    yield run
    for process in processes:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    limit = time.monotonic() + 60
    while time.monotonic() < limit:
        assert process.poll() is None, log.read_text("utf-8", "replace")
        with socket.socket() as connection:
            connection.settimeout(1)
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(log.read_text("utf-8", "replace"))


def check(url: str) -> None:
    """A whole reply, the same as a stream, an error, and the base URL of the inspector."""
    messages = [{"role": "user", "content": "Hello"}]
    with OpenAI(base_url=f"{url}/v1", api_key="test-key", max_retries=0) as client:
        answer = client.chat.completions.create(model="gpt-4o", messages=messages)
        assert answer.choices[0].message.content == "one two three"
        pieces = [
            chunk.choices[0].delta.content
            for chunk in client.chat.completions.create(model="gpt-4o", messages=messages, stream=True)
            if chunk.choices[0].delta.content
        ]
        assert pieces == ["one", " two", " three"]
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "limit"}])


def check_announced_close(url: str) -> None:
    """A server that closes the connection after an answer says so: a client would send its next request on it."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    connection.auto_open = 0
    for _ in range(20):
        if connection.sock is None:
            connection.connect()
        connection.request("GET", "/v1/models", headers={"Authorization": "Bearer test-key"})
        response = connection.getresponse()
        assert response.status == 200
        response.read()
    connection.close()


@pytest.mark.parametrize("name", MOUNTED)
def test_the_mock_works_mounted_in(serve_command, tmp_path, name):
    pytest.importorskip(PACKAGES.get(name, "flask"))
    (tmp_path / "mock.yaml").write_text(RULES)
    (tmp_path / f"{name}.py").write_text((DJANGO if name == "mount_django" else "") + block(name))
    check(serve_command(MOUNTED[name]) + "/mock")


@pytest.mark.parametrize("name", SERVERS)
def test_the_mock_is_served_by(serve_command, tmp_path, name):
    (tmp_path / "mock.yaml").write_text(RULES)
    (tmp_path / "wsgi.py").write_text(block("wsgi"))
    url = serve_command(block(name))
    check(url)
    check_announced_close(url)


@pytest.fixture
def open_folder():
    """A folder that the user of Apache's processes can read."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_the_mock_is_served_by_apache(open_folder):
    apache, modules = shutil.which("apache2", path="/usr/sbin"), Path("/usr/lib/apache2/modules")
    own = modules / f"mod_wsgi.so-{sys.version_info.major}.{sys.version_info.minor}"
    if apache is None or not own.exists():
        pytest.skip("Apache with mod_wsgi for this version of Python is not installed")
    port = free_port()
    (open_folder / "mock.yaml").write_text(RULES + "api_key: test-key\n")
    (open_folder / "wsgi.py").write_text(block("wsgi"))
    packages = sysconfig.get_paths()["purelib"]
    section = (
        block("mod_wsgi")
        .replace("/srv/mock/.venv/lib/python3/site-packages", f"{packages}:{ROOT}")
        .replace("/srv/mock", str(open_folder))
    )
    loaded = "".join(
        f"LoadModule {name}_module {modules}/mod_{name}.so\n"
        for name in ("mpm_event", "authz_core", "wsgi")
        if (modules / f"mod_{name}.so").exists()
    )
    user = "User www-data\nGroup www-data\n"
    (open_folder / "httpd.conf").write_text(
        f"ServerRoot {open_folder}\nServerName localhost\nListen 127.0.0.1:{port}\n"
        f"PidFile {open_folder}/pid\nErrorLog {open_folder}/log\n"
        f"{loaded}{user}WSGISocketPrefix {open_folder}/socket\n{section}"
    )
    process = subprocess.Popen([apache, "-D", "FOREGROUND", "-f", open_folder / "httpd.conf"])
    try:
        wait_for_port(port, process, open_folder / "log")
        check(f"http://127.0.0.1:{port}/mock")
    finally:
        process.terminate()
        process.wait(30)


def test_the_page_has_an_example_for_each_test():
    names = set(re.findall(r":name: (\w+)", PAGE))
    assert names == {*MOUNTED, *SERVERS, "wsgi", "mod_wsgi"}
    assert all(importlib.util.find_spec(name) is None for name in MOUNTED)
