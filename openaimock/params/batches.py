"""Parameters of the batches API: the generated tables and what the description lacks."""

from __future__ import annotations

from ..http.catalog import printable
from .errors import plain
from .generated import batches as generated
from .shapes import Also, Object, OneOf, String
from .table import adapted, table

#: The endpoints that batches can have. Azure's clients leave out ``/v1``.
ENDPOINTS: tuple[str, ...] = tuple(generated.CREATE.keys["endpoint"].values)
_FILE_ID = "file"


def _check_file_id(id: str) -> None:
    if not id.startswith(_FILE_ID):
        message = f"Invalid 'input_file_id': '{printable(id)}'. Expected an ID that begins with '{_FILE_ID}'."
        raise plain(message, code="invalid_value")


CREATE = adapted(
    generated.CREATE,
    {
        "input_file_id": Also(String(), _check_file_id),
        "endpoint": OneOf(ENDPOINTS, also=[endpoint.removeprefix("/v1") for endpoint in ENDPOINTS]),
    },
)
LIST = adapted(generated.LIST)
#: One line of an input file.
LINE = table(
    {"custom_id": String(), "method": OneOf(["POST"]), "url": String(), "body": Object({}, open=True)},
    required=["custom_id", "method", "url", "body"],
)
