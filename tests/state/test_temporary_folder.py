"""Temporary folders: deleted with their process, or by the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile

import pytest

from openaimock.state.blobs import IN_MEMORY, Blobs
from openaimock.state.temporary_folder import TemporaryFolder

STORE = """
import os, signal
from openaimock.state.blobs import Blobs
blobs = Blobs()
blobs.put("a", [bytes(300_000)])
os.kill(os.getpid(), signal.{signal})
"""
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such file locks")


@pytest.fixture
def parent(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_is_deleted_with_its_blobs(parent):
    blobs = Blobs()
    blobs.put("a", [bytes(IN_MEMORY + 1)])
    assert len(list(parent.iterdir())) == 1
    blobs.clear()
    assert not list(parent.iterdir())
    blobs.put("a", [bytes(IN_MEMORY + 1)])
    del blobs
    assert not list(parent.iterdir())


@posix
def test_the_next_process_deletes_the_files_of_a_killed_one(parent):
    code = STORE.format(signal=signal.Signals.SIGKILL.name)
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(parent)}, check=False)
    (killed,) = parent.iterdir()
    assert (killed / "1").stat().st_size == 300_000
    folder = TemporaryFolder.new()
    assert list(parent.iterdir()) == [folder.path]
    folder.delete()


@posix
def test_folders_in_use_and_folders_of_others_are_kept(parent):
    others = parent / "openaimock-other"
    others.mkdir()
    code = "from openaimock.state.temporary_folder import *; f = TemporaryFolder.new(); print(f.path, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(parent)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        used = process.stdout.readline().decode().strip()
        folder = TemporaryFolder.new()
        assert {str(path) for path in parent.iterdir()} == {str(others), used, str(folder.path)}
        process.communicate(b"\n")
    folder.delete()
