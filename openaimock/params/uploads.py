"""Parameters of the uploads API: the generated tables and what the description lacks."""

from __future__ import annotations

from .generated import files
from .generated import uploads as generated
from .shapes import Integer
from .table import adapted

#: The API's limit of a file that is uploaded in parts.
MAX_BYTES = 8 * 1024**3

CREATE = adapted(generated.CREATE, {"purpose": files.CREATE.keys["purpose"], "bytes": Integer(min=1, max=MAX_BYTES)})
PARTS_CREATE = adapted(generated.PARTS_CREATE)
COMPLETE = adapted(generated.COMPLETE)
