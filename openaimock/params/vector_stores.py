"""Parameters of the vector stores API: the generated tables and what the API says differently."""

from __future__ import annotations

from .generated import vector_stores as generated
from .table import adapted

CREATE = adapted(generated.CREATE)
LIST = adapted(generated.LIST)
UPDATE = adapted(generated.UPDATE)
SEARCH = adapted(generated.SEARCH)
FILES_CREATE = adapted(generated.FILES_CREATE)
FILES_LIST = adapted(generated.FILES_LIST)
FILES_UPDATE = adapted(generated.FILES_UPDATE)
FILE_BATCHES_CREATE = adapted(generated.FILE_BATCHES_CREATE)
FILE_BATCHES_LIST_FILES = adapted(generated.FILE_BATCHES_LIST_FILES)
