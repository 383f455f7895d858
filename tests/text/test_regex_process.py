from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

import openaimock
from openaimock.text import regex_process
from openaimock.text.regex_process import RegexProcess, RegexProcessError, RegexTimeout

#: Long enough for any machine, where the search itself ends at once.
PATIENT = 60
BAD, LETTERS = "^(a+)+$", "a" * 40 + "!"


@pytest.fixture
def process():
    process = RegexProcess(PATIENT)
    yield process
    process.close()


def test_a_match_has_its_groups(process):
    match = process.search(r"(?P<day>\w+) (x)?", "on Monday morning")
    assert (match[0], match["day"], match.span(1)) == ("on ", "on", (0, 2))
    assert (match.groups(), match.groupdict()) == (("on", None), {"day": "on"})
    assert process.search("MONDAY", "on Monday", flags=2)[0] == "Monday"
    assert process.search("Tuesday", "on Monday") is None


@pytest.mark.parametrize("text", ["", "я" * 100_000, "\ud800", "\x00\n\u2028", "a" * 3_000_000])
def test_any_text(process, text):
    assert process.search(r"\A(?s:.*)\Z", text)[0] == text


def test_a_search_that_takes_too_long_names_its_pattern_and_the_next_one_works():
    process = RegexProcess(0.2)
    with pytest.raises(RegexTimeout) as caught:
        process.search(BAD, LETTERS)
    assert BAD in str(caught.value)
    assert (caught.value.pattern, caught.value.seconds) == (BAD, 0.2)
    process.seconds = PATIENT
    assert process.search("a+", LETTERS)[0] == "a" * 40
    process.close()


def test_threads_take_turns(process):
    results = []
    threads = [threading.Thread(target=lambda n=n: results.append(process.search(r"\d+", f"is {n}!")[0])) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results, key=int) == [str(number) for number in range(8)]


def test_a_pattern_that_python_cannot_read(process):
    with pytest.raises(RegexProcessError, match="cannot be used"):
        process.search("(", "x")


def test_a_helper_that_somebody_ended_is_started_again(process):
    assert process.search("a", "a")
    process._helper._process.kill()
    process._helper._process.wait()
    assert process.search("a", "a")


def test_no_helper_before_the_first_search_and_none_after_close(process):
    assert process._helper is None
    process.search("a", "a")
    helper = process._helper._process
    process.close()
    assert helper.poll() is not None


def test_no_interpreter(process, monkeypatch):
    monkeypatch.setattr(regex_process, "_interpreter", lambda: "/nowhere/python3")
    with pytest.raises(RegexProcessError, match="does not start"):
        process.search("a", "a")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_after_a_fork_both_processes_have_a_helper_of_their_own(process):
    assert process.search("a", "a")
    child = os.fork()
    if not child:
        ok = process.search("b", "b") is not None
        process.close()
        os._exit(0 if ok else 1)
    assert os.waitpid(child, 0)[1] == 0
    helper = process._helper
    assert process.search("c", "c")
    assert process._helper is helper


SCRIPT = """
import sys
from {name}.text.regex_process import RegexProcess
process = RegexProcess(60)
assert process.search("b+", "abbc")[0] == "bb"
print(process._helper._process.pid, flush=True)
if len(sys.argv) > 1:
    process.search("^(a+)+$", "a" * 60 + "!")
"""


def run(*arguments: str, folder: Path) -> str:
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(folder)}, check=True, capture_output=True, text=True
    ).stdout


def copy_of_text(folder: Path, name: str) -> None:
    for path in ("__init__.py", "regex_process.py"):
        target = folder / name / "text" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(openaimock.__file__).parent / "text" / path, target)
    (folder / name / "__init__.py").write_text("")


def test_under_another_name_of_the_package(tmp_path):
    copy_of_text(tmp_path, "vendored")
    assert run("-c", SCRIPT.format(name="vendored"), folder=tmp_path)


def test_from_a_zip_file(tmp_path):
    copy_of_text(tmp_path, "zipped")
    with zipfile.ZipFile(tmp_path / "app.pyz", "w") as archive:
        for path in (tmp_path / "zipped").rglob("*.py"):
            archive.write(path, path.relative_to(tmp_path))
        archive.writestr("__main__.py", SCRIPT.format(name="zipped"))
    shutil.rmtree(tmp_path / "zipped")
    assert run(str(tmp_path / "app.pyz"), folder=tmp_path)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks into /proc")
@pytest.mark.parametrize("arguments", [[], ["search"]])
def test_the_helper_ends_with_its_parent(tmp_path, arguments):
    copy_of_text(tmp_path, "mock")
    script = SCRIPT.format(name="mock").replace("RegexProcess(60)", "RegexProcess(1)")
    command = [sys.executable, "-c", script, *arguments]
    parent = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(tmp_path)}, stdout=subprocess.PIPE, text=True)
    with parent:
        helper = int(parent.stdout.readline())
        parent.kill()
    ended = threading.Event()
    for _ in range(600):
        status = Path(f"/proc/{helper}/stat")
        try:
            if status.read_text().rpartition(")")[2].split()[0] == "Z":
                return
        except (FileNotFoundError, ProcessLookupError):
            return
        ended.wait(0.05)
    pytest.fail("the helper still runs")
