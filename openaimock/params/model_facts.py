"""The record of what is known about one model, and the parts of it that have a form of their own."""

# Annotations are evaluated at once: a NamedTuple would compile each of them from its text, which costs a start 1 ms.
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from ..text.facts import Patches, Tiles


class ImageOutput(NamedTuple):
    """How a model makes images. The defaults are those of a model about which nothing is known."""

    #: The sizes, in the order of the API's messages; empty for a model that takes any whose sides are divisible by 16.
    sizes: tuple[str, ...] = ()
    qualities: tuple[str, ...] = ("low", "medium", "high", "xhigh", "max", "standard", "hd")
    #: The longest prompt in characters, and the most images of a request.
    max_prompt: int = 32_000
    max_images: int = 10
    #: Parameters that the model does not know.
    unknown: tuple[str, ...] = ()
    #: One of the DALL-E models: they answer with a URL and without usage, and ``revises`` adds the revised prompt.
    legacy: bool = False
    revises: bool = False
    #: The sizes need not be checked: nothing is known about the model.
    any_size: bool = False
    #: Tokens along the longer side of an image of low quality, None for one token a square of 64 pixels.
    grid: int | None = None
    #: Tokens of an input image, and for each of its squares of 512 pixels.
    input_base: int = 65
    input_tile: int = 129


class Listening(NamedTuple):
    """How a model transcribes. The defaults are those of a model about which nothing is known."""

    #: The formats that it answers in; the API names these in its refusals.
    formats: tuple[str, ...] = ("json", "text", "srt", "verbose_json", "vtt", "diarized_json")
    #: It streams, and counts tokens; whisper ignores ``stream`` and counts seconds.
    streams: bool = True
    logprobs: bool = True
    #: It tells the speakers apart; ``languages`` says which languages it heard.
    diarizes: bool = False
    languages: bool = False
    #: The longest audio in seconds.
    max_seconds: float | None = None


class Model(NamedTuple):
    """What the API does with one model name. The defaults are those of a model about which nothing is known."""

    #: The name in the request, and the name in the answer.
    id: str = ""
    snapshot: str = ""
    #: The family whose facts these are; "" when nothing is known, so that lint stays silent.
    family: str = ""
    #: Endpoint names as ``when.endpoint`` has them, and ``realtime``. Empty when nothing is known.
    endpoints: frozenset[str] = frozenset()

    # Reasoning. ``effort`` is the default that a response echoes; None for a model that does not reason.
    effort: str | None = None
    #: The values that ``reasoning.effort`` accepts at Responses; chat accepts ``chat_efforts``. Empty for a model that does not
    #: take the parameter, even if it reasons.
    efforts: tuple[str, ...] = ()
    #: Default ``reasoning.context`` and ``reasoning.mode``; without a mode the member is absent.
    context: str | None = None
    mode: str | None = None

    # What an answer contains.
    #: Chat ``system_fingerprint`` is a text, else null.
    fingerprint: bool = True
    #: ``choices[].logprobs`` is present (null unless asked for), else the member is absent.
    logprobs: bool = True
    #: Chat ``service_tier`` is present.
    service_tier: bool = True
    top_p: float = 1.0
    prompt_cache_retention: str = "in_memory"
    #: Messages of Responses have a ``phase``.
    phase: bool = False
    #: Chat usage has ``text_tokens`` and ``image_tokens`` among the details of prompt and completion.
    audio_usage: bool = False
    #: Usage has ``cache_write_tokens`` in chat.
    cache_writes: bool = False
    #: A completions stream that ends with ``length`` repeats that reason in an empty chunk.
    repeats_length: bool = True
    #: A moderation has no types of input and no ``illicit`` categories.
    text_only: bool = False

    # Limits, in tokens.
    context_window: int | None = None
    max_output_tokens: int | None = None

    # What the model refuses.
    #: None of that is known, so lint reports nothing that depends on the model.
    unproven: bool = False
    #: It names an unknown parameter in the newer way.
    modern: bool = False
    #: ``temperature`` is refused as a parameter, not for its value.
    no_temperature: bool = False
    #: ``stop``, ``logit_bias`` and ``prediction`` are refused.
    no_stop: bool = False
    #: ``parallel_tool_calls`` is refused.
    no_parallel: bool = False
    #: The roles that chat messages may not have.
    no_roles: tuple[str, ...] = ()
    #: The last sentence of the refusal of functions in chat while the model reasons; "" where they are accepted.
    no_tools: str = ""
    #: Chat parameters that are refused with "Model incompatible request argument supplied".
    incompatible: tuple[str, ...] = ()
    #: Structured outputs by ``json_schema`` are accepted.
    schemas: bool = True
    #: ``input_audio`` parts and ``modalities: ["audio"]`` are accepted.
    audio: bool = False
    #: ``web_search_options`` of chat is accepted.
    web_search: bool = False

    # Tokens and vectors.
    encoding: str = "o200k_base"
    #: How the API writes prompts for the model: the word of ``text.prompts.WRAPPINGS``.
    prompt: str = "current"
    #: How image parts are counted; None for a model that takes no images, or about which this is not known.
    image: Tiles | Patches | None = None
    #: Length of an embedding, None for other models, and whether ``dimensions`` may shorten it.
    dimensions: int | None = None
    shortens: bool = False

    #: How it makes images; the default for a model that makes none, or about which this is not known.
    pictures: ImageOutput = ImageOutput(any_size=True)

    #: How it transcribes; the default for a model that does not, or about which this is not known.
    listening: Listening = Listening()
    #: The voices that it speaks with; empty when any is accepted.
    voices: tuple[str, ...] = ()

    # From a user's ``models:`` entry; None or empty otherwise.
    owned_by: str | None = None
    created: int | None = None
    #: Further keys of the entry, which the list of models sends as they are.
    extra: Mapping[str, Any] = MappingProxyType({})

    @property
    def known(self) -> bool:
        """Whether any family has this name."""
        return bool(self.family)

    @property
    def reasons(self) -> bool | None:
        """Whether the model refuses what reasoning models refuse, None when that is not known."""
        return self.effort is not None if self.family and not self.unproven else None

    @property
    def chat_efforts(self) -> tuple[str, ...]:
        """The values that ``reasoning_effort`` accepts in chat: ``max`` is for Responses only."""
        return tuple(effort for effort in self.efforts if effort != "max")

    @property
    def model_header(self) -> str | None:
        """The ``openai-model`` header, which only completions and embeddings send."""
        return self.snapshot if self.endpoints & {"completions", "embeddings"} else None

    def serves(self, endpoint: str) -> bool:
        """Whether the endpoint takes the model; true when nothing is known."""
        return not self.endpoints or endpoint in self.endpoints


class Family(NamedTuple):
    """One row of the table.

    ``names`` is one text of words: ``alias=snapshot`` for an alias, or a name that is answered with itself. A longer name
    that begins with one of these and "-", "_", ":", "@" or "+" belongs to the family, too, and is echoed. ``prefixes`` are
    further beginnings of that kind; one that ends with a dot needs no separator after it.
    """

    model: Model
    names: str
    prefixes: str = ""
