from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from openaimock.config.append import append_rules
from openaimock.config.load import load
from openaimock.errors import ConfigError

RULE = {"id": "new", "when": {"user": "new"}, "reply": "added"}


def ids(path: Path) -> list[str]:
    return [rule["id"] for rule in load(path).rules]


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    append_rules(tmp_path / "mock.yaml", [RULE])
    assert (tmp_path / "mock.yaml").read_text() == "responses:\n  - id: new\n    when:\n      user: new\n    reply: added\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment\n",
        "seed: 1 # no rules\n",
        "responses:\n",
        "responses: []\nseed: 1\n",
        "responses:\nseed: 1\n",
        "responses: null\n",
        "seed: 1\n...\n",
    ],
)
def test_a_file_without_rules_gets_them(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mock.yaml"
    path.write_text(text)
    append_rules(path, [RULE])
    append_rules(path, [{**RULE, "id": "second"}])
    assert ids(path) == ["new", "second"]
    assert all(line in path.read_text() for line in text.splitlines() if line.startswith(("#", "seed")))


HAND_WRITTEN = """\
# Rules of the shop
api_key: k

responses:
    # the greeting
    - id: hello   # said first
      when: {user: hi}
      reply: |
        Hello.
        # not a comment

# the rest
seed: 3
"""


def test_comments_order_and_indent_stay(tmp_path: Path) -> None:
    path = tmp_path / "mock.yaml"
    path.write_text(HAND_WRITTEN)
    append_rules(path, [RULE])
    added = "    - id: new\n      when:\n        user: new\n      reply: added\n"
    assert path.read_text() == HAND_WRITTEN.replace("not a comment\n", "not a comment\n" + added)


def test_a_list_at_the_end_grows_there(tmp_path: Path) -> None:
    path = tmp_path / "mock.yaml"
    path.write_text("seed: 1\nresponses:\n- when: {}\n  reply: a")
    append_rules(path, [RULE])
    assert path.read_text().startswith("seed: 1\nresponses:\n- when: {}\n  reply: a\n- id: new\n")
    assert len(ids(path)) == 2


def test_line_ends_and_byte_order_mark_stay(tmp_path: Path) -> None:
    path = tmp_path / "mock.yaml"
    path.write_bytes(b"\xef\xbb\xbfresponses:\r\n- when: {}\r\n  reply: a\r\n")
    append_rules(path, [RULE])
    data = path.read_bytes()
    assert data.startswith(b"\xef\xbb\xbf") and data.count(b"\xef\xbb\xbf") == 1
    assert data.count(b"\n") == data.count(b"\r\n")


def test_mode_and_link_stay(tmp_path: Path) -> None:
    path, link = tmp_path / "mock.yaml", tmp_path / "link.yaml"
    path.write_text("responses:\n- when: {}\n  reply: a\n")
    path.chmod(0o640)
    link.symlink_to(path)
    append_rules(link, [RULE])
    assert link.is_symlink() and path.stat().st_mode & 0o777 == 0o640
    assert len(ids(path)) == 2


def test_rules_can_be_replaced(tmp_path: Path) -> None:
    path = tmp_path / "mock.yaml"
    path.write_text(
        "# Rules\nresponses:\n  # the first\n  - id: a\n    when: {}\n    reply: |\n      # text\n\n"
        "  # the second\n  - id: b\n    when: {}  # all\n    reply: b\n  - {id: c, when: {}, reply: c}\n# end\nseed: 1\n"
    )
    append_rules(path, [{"id": "b", "when": {}, "reply": "new"}], replacing={"b"})
    assert path.read_text() == (
        "# Rules\nresponses:\n  # the first\n  - id: a\n    when: {}\n    reply: |\n      # text\n\n"
        "  # the second\n  - {id: c, when: {}, reply: c}\n  - id: b\n    when: {}\n    reply: new\n# end\nseed: 1\n"
    )
    append_rules(path, [RULE], replacing={"a", "b", "c", "none"})
    assert ids(path) == ["new"]


def test_places_are_right_behind_text_of_any_script(tmp_path: Path) -> None:
    path = tmp_path / "mock.yaml"
    path.write_text(
        '# \U0001f600 é\nresponses:\n- id: "ключ"\n  when: {user: "你好 \U0001f600"}\n  reply: é\nseed: 1\n', encoding="utf-8"
    )
    append_rules(path, [RULE], replacing={"x"})
    assert ids(path) == ["ключ", "new"]
    append_rules(path, [RULE], replacing={"ключ", "new"})
    assert ids(path) == ["new"]


def test_an_edit_between_two_appends_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "mock.yaml"
    append_rules(path, [RULE])
    append_rules(path, [{**RULE, "id": "second"}])
    path.write_text(path.read_text().replace("responses:", "# edited\nresponses:") + "seed: 5\n")
    append_rules(path, [{**RULE, "id": "third"}])
    append_rules(path, [{**RULE, "id": "fourth"}])
    assert ids(path) == ["new", "second", "third", "fourth"]
    assert path.read_text().startswith("# edited\n") and path.read_text().endswith("seed: 5\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("responses: [{when: {}, reply: a}]\n", "block list"),
        ("responses:\n  a: {when: {}, reply: a}\n", "block list"),
        ('{"responses": []}', "block YAML"),
        ("- a\n", "block YAML"),
        ("responses: [] # none yet\n", "line of its own"),
        ("a: [\n", "not valid YAML"),
        ("responses:\n- when: {}\n  reply: |\n    no line end", "line break"),
    ],
)
def test_a_file_that_cannot_take_rules_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mock.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message):
        append_rules(path, [RULE])
    assert path.read_text() == text
    assert [each.name for each in tmp_path.iterdir()] == ["mock.yaml"]


def test_appends_of_threads_and_processes_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "mock.yaml"
    code = (
        "import sys; from openaimock.config.append import append_rules\n"
        "for at in range(10): append_rules(sys.argv[1], [{'id': f'{sys.argv[2]}-{at}', 'when': {}, 'reply': 'x'}])"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, str(path), name]) for name in ("p", "q")]

    def work(name: str) -> None:
        for at in range(10):
            append_rules(path, [{"id": f"{name}-{at}", "when": {}, "reply": "x"}])

    threads = [threading.Thread(target=work, args=(name,)) for name in ("t", "u")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait(60) for process in processes] == [0, 0]
    assert sorted(ids(path)) == sorted(f"{name}-{at}" for name in "pqtu" for at in range(10))


@pytest.mark.parametrize("text", ["responses:\n", "responses:", "responses: []\n", "responses: null  \n"])
def test_the_first_rule_follows_its_list_without_an_empty_line(tmp_path, text):
    path = tmp_path / "mock.yaml"
    path.write_text(text)
    append_rules(path, [{"id": "r", "when": {}, "reply": "z"}])
    assert path.read_text() == "responses:\n  - id: r\n    when: {}\n    reply: z\n"
