"""Documents: a file of another tool as plain data, whether it is JSON, JSON lines or YAML with tags of Python, Ruby or R."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

#: The largest file that is read, in bytes after any gzip.
LARGEST = 512 * 1024 * 1024


class Unreadable(ValueError):
    """A file that cannot be read as data, and why."""


def load(path: Path) -> list[Any]:
    """All documents of a file; every line of JSON lines is one. Unreadable says why there are none."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from None
    if raw[:2] == b"\x1f\x8b":
        try:
            with gzip.open(BytesIO(raw)) as file:
                raw = file.read(LARGEST + 1)
        except (OSError, EOFError) as error:
            raise Unreadable(f"the gzip file is damaged: {error}") from None
    if len(raw) > LARGEST:
        raise Unreadable(f"the file has more than {LARGEST:,} bytes")
    # PowerShell redirects text as UTF-16.
    text = raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "replace")
    if text.lstrip()[:1] in ("{", "["):
        documents = _json(text)
        if documents is not None:
            return documents
    return list(_yaml(text))


def _json(text: str) -> list[Any] | None:
    """A JSON document, or those of JSON lines; None when it is neither."""
    try:
        return [json.loads(text)]
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    except ValueError:
        lines = [line for line in text.splitlines() if line.strip()]
    try:
        return [json.loads(line) for line in lines]
    except (ValueError, RecursionError):
        return None


def _yaml(text: str) -> Iterator[Any]:
    import yaml

    loader = _loader()
    try:
        # Some recorders leave characters that YAML does not know.
        yield from yaml.load_all(re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", " ", text), loader)
    except yaml.YAMLError as error:
        raise Unreadable(f"neither JSON nor YAML: {str(error).splitlines()[0]}") from None
    except (ValueError, RecursionError, OverflowError) as error:
        raise Unreadable(f"neither JSON nor YAML: {error}") from None


def _loader() -> Any:
    """A safe loader that takes objects of other languages for the plain data in them, and runs nothing."""
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
        pass

    def binary(loader: Any, node: Any) -> Any:
        try:
            return base64.b64decode(re.sub(r"\s", "", str(node.value)))
        except (ValueError, binascii.Error):
            return str(node.value)

    def anything(loader: Any, suffix: str, node: Any) -> Any:
        if isinstance(node, yaml.MappingNode):
            return loader.construct_mapping(node, deep=True)
        return loader.construct_sequence(node, deep=True) if isinstance(node, yaml.SequenceNode) else node.value

    def wrapped(loader: Any, suffix: str, node: Any) -> Any:
        # A text that a recorder kept as an object of its own: its only argument.
        value = anything(loader, suffix, node)
        while isinstance(value, (list, dict)) and value:
            value = value[0] if isinstance(value, list) else next(iter(value.values()))
        return value

    Loader.add_constructor("!binary", binary)
    Loader.add_constructor("tag:yaml.org,2002:binary", binary)
    # A time is wanted as it is written.
    Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: node.value)
    Loader.add_multi_constructor("!", anything)
    Loader.add_multi_constructor("tag:yaml.org,2002:python/", wrapped)
    return Loader
