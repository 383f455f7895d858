"""Parameters of the files API: the generated tables and what the API says differently."""

from __future__ import annotations

from typing import Any

from ..http.catalog import printable
from .errors import ParamError, plain
from .generated import files as generated
from .shapes import Also, Anything
from .table import adapted

#: The purposes in the order of the API's message.
PURPOSES = ("fine-tune", "assistants", "batch", "user_data", "vision", "evals")


def _check_purpose(value: Any) -> None:
    if value not in PURPOSES:
        raise plain(f"{printable(repr(value))} is not one of {list(PURPOSES)} - 'purpose'")


def _required(name: str) -> ParamError:
    return plain(f"'{name}' is a required property", name)


CREATE = adapted(
    generated.CREATE,
    {"purpose": Also(Anything(), _check_purpose)},
    absent={"file": lambda: _required("file"), "purpose": lambda: _required("purpose")},
)
LIST = adapted(generated.LIST)
