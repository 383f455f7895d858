"""Parameters of the uploads API: the generated tables and what the description lacks."""

from __future__ import annotations

from .generated import files
from .generated import uploads as generated
from .table import adapted

CREATE = adapted(generated.CREATE, {"purpose": files.CREATE.keys["purpose"]})
PARTS_CREATE = adapted(generated.PARTS_CREATE)
COMPLETE = adapted(generated.COMPLETE)
