"""How each server is installed and started: ours, the two peers, and the WSGI hosts that run the same application."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from .nouns import Bench, Wrong

PEERS = {"openai-mock-api": "0.4.0", "@copilotkit/aimock": "1.43.0"}
HOSTS = ("gunicorn", "pyuwsgi", "granian")
#: What the stores need beside the mock.
STORES = ("redis",)

Command = list[str | Path]


def ours(bench: Bench, config: Path, port: int, *flags: str) -> Command:
    """Our own server as users start it."""
    return [bench.python, "-m", "openaimock", config, "-p", str(port), *flags]


def aimock(bench: Bench, fixtures: Path, port: int, *flags: str) -> Command:
    """aimock from its fixtures, told not to log: that is its fastest."""
    script = bench.cache / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
    return ["node", script, "-p", str(port), "-f", fixtures, "--log-level", "silent", *flags]


def openai_mock_api(bench: Bench, config: Path, port: int) -> Command:
    """openai-mock-api as its documentation starts it."""
    script = bench.cache / "node_modules" / "openai-mock-api" / "dist" / "cli.js"
    return ["node", script, "-c", config, "-p", str(port)]


def gunicorn(bench: Bench, module: str, port: int, threads: int) -> Command:
    """One worker with threads; it keeps connections open as the other servers do."""
    flags = ["-k", "gthread", "-w", "1", "--threads", str(threads), "--keep-alive", "60", "--no-control-socket"]
    return [bench.python.with_name("gunicorn"), *flags, "-b", f"127.0.0.1:{port}", f"{module}:app"]


def uwsgi(bench: Bench, module: str, port: int, threads: int) -> Command:
    """One process with threads, HTTP/1.1 spoken by uWSGI itself."""
    flags = ["--master", "--die-on-term", "--need-app", "--disable-logging", "--enable-threads", "--threads", str(threads)]
    address = ["--http11-socket", f"127.0.0.1:{port}", "--so-keepalive"]
    return [bench.python.with_name("uwsgi"), *flags, *address, "--module", f"{module}:app"]


def granian(bench: Bench, module: str, port: int, threads: int) -> Command:
    """One worker; ``threads`` is how many requests it works on at once."""
    flags = ["--interface", "wsgi", "--workers", "1", "--blocking-threads", str(threads), "--no-log"]
    return [bench.python.with_name("granian"), *flags, "--host", "127.0.0.1", "--port", str(port), f"{module}:app"]


def prepare(bench: Bench) -> None:
    """Have everything there: the tools, the peers in a folder of their own, and an environment with the project and hosts."""
    missing = [tool for tool in ("wrk", "node", "npm") if not shutil.which(tool)]
    if missing:
        hints = {"wrk": "apt-get install wrk", "node": "Node 20 or newer", "npm": "comes with Node"}
        raise Wrong("missing: " + ", ".join(f"{tool} ({hints[tool]})" for tool in missing))
    bench.work.mkdir(parents=True, exist_ok=True)
    wanted = "".join(f"{name} {version}\n" for name, version in PEERS.items())
    _once(bench, "peers", wanted, _install_peers)
    wanted = sys.version + "".join((bench.root / name).read_text() for name in ("pyproject.toml",)) + " ".join((*HOSTS, *STORES))
    _once(bench, "venv", wanted, _install_venv)


def _once(bench: Bench, name: str, wanted: str, install: object) -> None:
    """Install again only when what is wanted has changed."""
    stamp, digest = bench.cache / f"{name}.stamp", hashlib.sha256(wanted.encode()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        assert callable(install)
        install(bench)
        stamp.write_text(digest)


def _run(bench: Bench, argv: Command) -> None:
    bench.say("installing: " + " ".join(str(word).rpartition("/")[2] or str(word) for word in argv[:6]) + " ...")
    done = subprocess.run([str(word) for word in argv], cwd=bench.cache, capture_output=True, text=True)
    if done.returncode:
        raise Wrong(f"{argv[0]} failed:\n{(done.stdout + done.stderr)[-1500:]}")


def _install_peers(bench: Bench) -> None:
    (bench.cache / "package.json").write_text('{"private": true}\n')
    _run(bench, ["npm", "install", "--no-audit", "--no-fund", *(f"{name}@{version}" for name, version in PEERS.items())])


def _install_venv(bench: Bench) -> None:
    _run(bench, [sys.executable, "-m", "venv", "--clear", bench.cache / "venv"])
    # The old style of an editable install: a path and no import hook, so that start-up is what users have.
    style = ["--config-settings", "editable_mode=compat"]
    _run(bench, [bench.python, "-m", "pip", "install", "-q", *style, "-e", bench.root, *HOSTS, *STORES])


def machine(bench: Bench) -> dict[str, str]:
    """The machine and the versions, in words that name no one."""
    code = "import importlib.metadata as m, sys; print('\\n'.join(f'{n} {m.version(n)}' for n in sys.argv[1:]))"
    names = ["openaimock", "waitress", "werkzeug", *HOSTS]
    installed = subprocess.run([str(bench.python), "-c", code, *names], capture_output=True, text=True, check=True).stdout
    node = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip().lstrip("v")
    wrk = subprocess.run(["wrk", "--version"], capture_output=True, text=True).stdout.split()[1:2]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores, kernel = len(os.sched_getaffinity(0)), platform.release().partition("-")[0]
    peers = [f"{name} {version}" for name, version in PEERS.items()]
    return {
        "machine": f"{cores} cores ({platform.machine()}), {memory:.0f} GB, Linux {kernel}",
        "tools": f"Python {platform.python_version()}, Node {node}, wrk {' '.join(wrk)}",
        "versions": ", ".join([*installed.split("\n")[:-1], *peers]),
    }
