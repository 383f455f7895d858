"""Recording keys: those of ``upstream`` and ``record``, declared as data."""

from __future__ import annotations

from .kinds import AnyOf, Choice, Field, Flag, ListOf, MapOf, Numeric, Struct, Text

#: When exchanges are recorded: values of ``record.mode``.
MODES = ("once", "new", "all", "none")

UPSTREAM = Struct("an upstream setting", (
    Field("url", Text(empty=False), "Its base URL, such as ``https://api.openai.com/v1``.", required=True),
    Field("key", Text(secret=True, noun="a key"),
          "The key to send; without one the client's own key is passed on.", null=True),
    Field("headers", MapOf(Text(numbers=True), "a header"), "Headers to send besides those of the client."),
    Field("timeout", Numeric(low=0, above=True), "Seconds without a byte after which a request fails.", default=600),
), doc="The server that requests are passed on to.")  # fmt: skip

_PATTERN = Struct("a pattern", (
    Field("regex", Text(empty=False), "A regular expression for the text to mask.", required=True),
))  # fmt: skip

RECORD = Struct("a record setting", (
    Field("file", Text(empty=False), "The file of recordings, relative to the configuration.", required=True),
    Field("mode", Choice(MODES, "a mode"), "When exchanges are recorded: ``once`` when there is no file yet, ``new`` what "
          "the file does not answer, ``all`` everything again, ``none`` nothing.", default="once"),
    Field("timing", Flag(), "Whether the gaps between the pieces of streams are recorded.", default=False),
    Field("ids", Choice(("made", "keep"), "a treatment of ids"), "Whether ids and times are those recorded.", default="made"),
    Field("redact", ListOf(AnyOf((Text(empty=False), _PATTERN)), single=True),
          "Names of members, and patterns, that are masked in addition to secrets."),
), doc="Where and how exchanges with ``upstream`` are recorded.")  # fmt: skip
