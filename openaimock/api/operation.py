"""Operation: one method of the API, from a request to an Ask and from a Reply to a payload."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ..http.request import Request
from ..types.ask import Ask
from ..types.operations import ANSWERING_IDS, OPERATIONS

if TYPE_CHECKING:
    from ..params.table import Table


class VaryingText(NamedTuple):
    """The text of a request that often is all that differs from an earlier one.

    It is the value of the last member of the body with one of these ``names``, at any depth, and any text is allowed there.
    ``replace(ask, text)`` puts another text into an Ask as it was read.
    """

    names: tuple[str, ...]
    replace: Callable[[Any, str], None]


#: An operation is itself: comparing and hashing all its members would cost every request.
@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One operation of the API: how a request becomes an Ask and how a Reply becomes a payload.

    ``id`` is the SDK's name of the method. ``path`` may hold ``<names>``. ``write(ask, reply, context)`` gets
    None as the reply only when ``own`` is true: the operation then makes its own answer when no rule matches. ``params`` is the
    table of the parameters of its body, for lint. ``split(ask)`` returns an Ask for each input of a request with several inputs,
    so that rules match each one separately (``Reply.inputs``). ``alone`` is true when the Ask depends on the body only, so that
    the Ask of an equal body can be reused; as a function it says so for an Ask. ``blocking`` is true when making an answer takes
    long, such as a picture, or joining the parts of a file; as a function it says so for an Ask. ``varying`` lets the Ask of a
    body be made from that of an earlier body that differs in one text.
    """

    id: str
    method: str
    path: str
    read: Callable[[Request], Ask]
    write: Callable[..., Any]
    own: bool = False
    params: Table | None = None
    split: Callable[[Ask], Sequence[Ask]] | None = None
    alone: bool | Callable[[Ask], bool] = False
    blocking: bool | Callable[[Ask], bool] = False
    varying: VaryingText | None = None

    @property
    def name(self) -> str:
        """The name of the endpoint in rules and in the journal."""
        return OPERATIONS[self.id]

    @property
    def reads_state(self) -> bool:
        """Whether an answer can hold what earlier requests stored: prompts and files of other clients."""
        return self.id not in ANSWERING_IDS and self.name != "models"
