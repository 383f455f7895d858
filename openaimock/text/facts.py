"""The properties of a model that decide how many tokens a prompt has; the model table has them for each model."""

# Annotations are evaluated at once: a NamedTuple would compile each of them from its text, which costs a start 1 ms.
from typing import NamedTuple, Protocol


class Tiles(NamedTuple):
    """Image tokens by tiles of 512 by 512 pixels: ``base`` plus ``tile`` for each; ``detail: low`` costs ``base``."""

    base: int
    tile: int


class Patches(NamedTuple):
    """Image tokens by patches of 32 by 32 pixels: their number, at most ``limit``, times ``multiplier``.

    ``original`` is the limit for ``detail: original``, or 0 where the model does not know that value. ``full`` says that an image
    without a detail, or with ``auto``, is taken as ``original``.
    """

    multiplier: float
    limit: int = 1536
    original: int = 0
    full: bool = False


class Facts(Protocol):
    """The part of a model table row that counting needs."""

    @property
    def encoding(self) -> str:
        """The vocabulary."""

    @property
    def prompt(self) -> str:
        """How the API writes prompts: one word for all models with the same form (a key of ``prompts.WRAPPINGS``)."""

    @property
    def image(self) -> Tiles | Patches | None:
        """How images are counted; None if unknown."""
