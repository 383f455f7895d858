"""The log of a server: what it escapes and masks, and its file."""

from __future__ import annotations

import json
import logging
import os

import pytest

from openaimock.errors import ConfigError
from openaimock.server import logs
from openaimock.text.log import LINES, ROOT, SafeLogger, safe

KEY = "sk-configured-secret"


@pytest.fixture
def logger():
    """Make loggers; their files close with the test."""
    loggers = []

    def make(*arguments):
        loggers.append(logs.logger(*arguments))
        return loggers[-1]

    yield make
    for log in loggers:
        for handler in log.handlers:
            handler.close()


def last_line(path):
    return path.read_text().splitlines()[-1]


@pytest.mark.parametrize("format", ["text", "json"])
def test_control_characters_are_escaped(logger, tmp_path, format):
    path = tmp_path / "log"
    log = logger(False, path, format)
    log.warning("GET %s", "/a\n2026-01-01 00:00:00 ERROR forged\r\x1b[31m\x9b\u2028\u202e\x00")
    text = path.read_text()
    assert text.count("\n") == 1
    assert not [c for c in text if (ord(c) < 32 and c != "\n") or 127 <= ord(c) < 160 or c in "\u2028\u202e"]
    assert "/a\\n2026" in (json.loads(text)["message"] if format == "json" else text)


def test_a_message_of_several_lines_is_indented(logger, tmp_path):
    path = tmp_path / "log"
    logger(False, path).warning("%s", "first\nsecond\x1b", extra=LINES)
    assert path.read_text().endswith("first\n    second\\x1b\n")


@pytest.mark.parametrize("format", ["text", "json"])
def test_secrets_are_masked_in_messages_and_tracebacks(logger, tmp_path, format):
    path = tmp_path / "log"
    log = safe(logger(False, path, format), [KEY, "plain-secret"])
    log.warning("GET /v1/%s and %s", KEY, "sk-proj-abcdefghijklmnop")
    try:
        raise RuntimeError("plain-secret\x1b")
    except RuntimeError:
        log.exception("failed with %s", "plain-secret")
    text = path.read_text()
    assert "Traceback" in text
    assert "\x1b" not in text
    for secret in (KEY, "plain-secret", "abcdefghijklmnop"):
        assert secret not in text


def test_the_records_that_other_handlers_receive_are_safe_too(caplog):
    log = safe(ROOT, [KEY])
    log.warning("a %s\n", KEY)
    assert KEY not in caplog.text
    assert caplog.records[-1].getMessage().endswith("\\n")


def test_the_level_of_the_common_logger_may_change(caplog):
    log = SafeLogger()
    caplog.set_level(logging.WARNING, "openaimock")
    log.info("not this")
    caplog.set_level(logging.INFO, "openaimock")
    log.info("but this")
    assert [record.getMessage() for record in caplog.records] == ["but this"]


def test_a_wrong_format_string_is_no_exception(caplog):
    SafeLogger().warning("%d", "x")
    assert "%d" in caplog.text


def test_a_rotated_file_is_opened_again(logger, tmp_path):
    path = tmp_path / "log"
    log = logger(False, path)
    log.warning("one")
    path.rename(tmp_path / "log.1")
    log.warning("two")
    assert last_line(tmp_path / "log.1").endswith("one")
    assert last_line(path).endswith("two")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_full_disk_is_one_line(logger, capsys):
    log = logger(False, "/dev/full")
    for _ in range(3):
        log.warning("a line")
    assert capsys.readouterr().err == "openaimock: cannot write the log /dev/full: No space left on device\n"


def test_a_folder_that_vanished_is_one_line(logger, tmp_path, capsys):
    folder = tmp_path / "logs"
    folder.mkdir()
    log = logger(False, folder / "log")
    log.warning("one")
    (folder / "log").unlink()
    folder.rmdir()
    for _ in range(2):
        log.warning("lost")
    assert capsys.readouterr().err.count("cannot write the log") == 1
    folder.mkdir()
    log.warning("back")
    assert last_line(folder / "log").endswith("back")


def test_a_file_that_cannot_be_written_is_a_configuration_error(logger, tmp_path):
    with pytest.raises(ConfigError, match="log_file: cannot write"):
        logger(False, tmp_path / "none" / "log")
