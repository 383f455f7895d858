"""Media: normal forms of the images and the speech of a reply, whose bytes are in a file or in base64."""

from __future__ import annotations

import os
import stat
from base64 import b64decode
from typing import Any

from .messages import Path
from .tree import Node
from .validate import Checker, Normalizer, child, is_bad

#: The source of rules that a client adds to a running mock as text. Such a client must not read files of the server.
RULES_TEXT = "<rules>"
#: The largest file that a reply may send, in bytes.
LARGEST = 64 * 1024**2


def media(check: Checker, value: Any, node: Node, path: Path) -> Any:
    """The keys that are present; ``file`` is made relative to the folder of the configuration file that names it."""
    if not is_bad(value.get("file")) and "file" in value:
        value["file"] = _file(check, value["file"], child(node, "file"), (path, "file"))
    if not is_bad(value.get("b64")) and "b64" in value:
        _base64(check, value["b64"], child(node, "b64"), (path, "b64"))
    return value


def _file(check: Checker, name: str, node: Node, path: Path) -> Any:
    if "{{" in name:
        return check.problem(node, path, "the name of a file cannot be a template")
    if node.source == RULES_TEXT:
        return check.problem(node, path, "a rule that is added to a running mock cannot name a file; write its bytes as 'b64'")
    name = os.path.join(_folder(node), os.path.expanduser(name))
    try:
        about = os.stat(name)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return check.problem(node, path, f"the file '{name}' cannot be read: {reason}")
    if not stat.S_ISREG(about.st_mode):
        return check.problem(node, path, f"'{name}' is not a regular file")
    if about.st_size > LARGEST:
        return check.problem(node, path, f"the file '{name}' has {about.st_size} bytes; a reply can send {LARGEST}")
    return name


def _folder(node: Node) -> str:
    """The folder of the configuration file that has the node; "" for a configuration that is no file."""
    return os.path.dirname(node.source) if node.line else ""


def _base64(check: Checker, text: str, node: Node, path: Path) -> None:
    try:
        b64decode("".join(text.split()), validate=True)
    except ValueError as error:
        check.problem(node, path, f"this is not base64: {error}")


#: The normalizer of each named kind.
NORMALIZERS: dict[str, Normalizer] = {"image": media, "speech": media}
