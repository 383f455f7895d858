"""The configuration as TypedDicts, for configurations in Python: the same keys as in YAML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from .reply_types import BlockConfig as BlockConfig
from .reply_types import Error as Error
from .reply_types import ErrorCode as ErrorCode
from .reply_types import ErrorDetails as ErrorDetails
from .reply_types import FailConfig as FailConfig
from .reply_types import FaultConfig as FaultConfig
from .reply_types import FaultKind as FaultKind
from .reply_types import HoldConfig as HoldConfig
from .reply_types import Latency as Latency
from .reply_types import Match as Match
from .reply_types import MatcherConfig as MatcherConfig
from .reply_types import MatcherName as MatcherName
from .reply_types import MockImage as MockImage
from .reply_types import MockReply as MockReply
from .reply_types import MockSpeech as MockSpeech
from .reply_types import ModerationConfig as ModerationConfig
from .reply_types import PaceConfig as PaceConfig
from .reply_types import Reply as Reply
from .reply_types import Role as Role
from .reply_types import Timing as Timing
from .reply_types import ToolCallConfig as ToolCallConfig
from .reply_types import When as When

if TYPE_CHECKING:
    from .load import Config


class MockMessage(MockReply, total=False):
    """One message of a conversation; an assistant message is a reply."""

    role: Role
    matcher: MatcherName
    threshold: float
    case_sensitive: bool
    invert: bool
    unsafe: bool
    parts: str | Sequence[str]
    tool_call_id: str
    name: str | None
    function_call: None


class OldMatcher(TypedDict, total=False):
    """A conversation to answer with ``response``."""

    type: MatcherName
    threshold: float
    case_sensitive: bool
    invert: bool
    unsafe: bool
    messages: Sequence[MockMessage]


class ExpectConfig(TypedDict, total=False):
    """How often a rule should answer."""

    min: int
    max: int


class MockResponse(Timing, total=False):
    """A rule: one entry of ``responses``."""

    id: str
    messages: Sequence[MockMessage]
    when: When
    matcher: OldMatcher
    reply: Reply
    replies: Sequence[Reply]
    response: Mapping[str, Any]
    then: Literal["last", "cycle", "error"]
    times: int
    expect: int | ExpectConfig
    priority: float
    turns: Literal["next", "last"]


class ModelConfig(TypedDict, total=False):
    """One model of ``models``; further keys, which a TypedDict cannot declare, are sent as they are."""

    id: str
    snapshot: str
    context_window: int
    max_output_tokens: int
    owned_by: str
    created: int


class UpstreamConfig(TypedDict, total=False):
    """The server that requests are passed on to."""

    url: str
    key: str
    headers: Mapping[str, str]
    timeout: float


class RecordConfig(TypedDict, total=False):
    """Where and how exchanges are recorded."""

    file: str
    mode: Literal["once", "new", "all", "none"]
    timing: bool
    ids: Literal["made", "keep"]
    redact: str | Sequence[str | Mapping[str, str]]


class JournalConfig(TypedDict, total=False):
    """The limits of the journal."""

    size: int
    body_limit: int | str
    memory: int | str


class ChaosConfig(TypedDict, total=False):
    """Random faults."""

    rate: float
    faults: Sequence[FaultKind | FaultConfig]


class LimitsConfig(TypedDict, total=False):
    """Rate limits for each key and model."""

    rpm: int
    tpm: int
    rpd: int


class LoadConfig(TypedDict, total=False):
    """What happens as more requests are answered at once."""

    max_active: int
    status: Literal[429, 503]
    latency_per_active: float


class WebhookEndpointConfig(TypedDict, total=False):
    """One receiver of events."""

    url: str
    secret: str
    events: str | Sequence[str]


class WebhooksConfig(TypedDict, total=False):
    """Signed deliveries of events."""

    allow: str | Sequence[str]
    endpoints: Sequence[WebhookEndpointConfig]


class MockConfig(TypedDict, total=False):
    """A whole configuration."""

    api_key: str | Sequence[str]
    host: str
    port: int
    responses: Sequence[MockResponse] | Mapping[str, MockResponse] | None
    include: str | Sequence[str]
    templates: Any
    models: Sequence[str | ModelConfig]
    unmatched: Reply
    turns: Literal["next", "last"]
    match: Literal["best", "first"]
    lint: Literal["off", "warn", "error"]
    seed: int | str
    clock: str
    latency: float | Latency
    pace: PaceConfig
    journal: JournalConfig
    cors: bool | str | Sequence[str]
    max_body: int | str
    store: str
    prompt_cache: bool
    retries: Literal["next", "same"]
    scenarios: Mapping[str, str]
    overrides: bool
    chaos: ChaosConfig
    limits: LimitsConfig
    load: LoadConfig
    isolate: Sequence[Literal["path", "header", "key"]]
    upstream: UpstreamConfig
    record: RecordConfig
    webhooks: WebhooksConfig
    admin: bool
    admin_key: str


if TYPE_CHECKING:
    #: A configuration, or a path, YAML text, or a list of these. None: an empty one.
    Source = str | PathLike[str] | MockConfig | Sequence[str | PathLike[str] | MockConfig] | Config | None
