"""Parameters of the files API: the generated tables and what the API says differently."""

from __future__ import annotations

from .generated import files as generated
from .table import adapted

CREATE = adapted(generated.CREATE)
LIST = adapted(generated.LIST)
