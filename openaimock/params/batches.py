"""Parameters of the batches API: the generated tables and what the description lacks."""

from __future__ import annotations

from .generated import batches as generated
from .table import adapted

CREATE = adapted(generated.CREATE)
LIST = adapted(generated.LIST)
