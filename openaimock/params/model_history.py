"""When models came and when they go: creation times, owners and shutdown dates, for the list of models."""

from __future__ import annotations

from calendar import timegm
from time import strptime
from typing import NamedTuple

from .model_facts import Model
from .models import fine_tuned_from

#: When a model of unknown age was "created": a fixed time, so that lists are the same in every run.
UNKNOWN = 1_715_367_049
#: Seconds since 1970, as lists of the API had them in 2023 and in May 2026.
_LISTED = (
    "ada=1649357491 babbage=1649358449 curie=1649359874 davinci=1649359874 text-ada-001=1649364042 "
    "text-davinci-001=1649364042 text-babbage-001=1649364043 text-curie-001=1649364043 text-davinci-002=1649880484 "
    "text-search-ada-query-001=1651172505 text-similarity-ada-001=1651172505 text-search-ada-doc-001=1651172507 "
    "text-davinci-003=1669599635 text-embedding-ada-002=1671217299 whisper-1=1677532384 gpt-3.5-turbo=1677610602 "
    "gpt-3.5-turbo-0301=1677649963 tts-1=1681940951 gpt-3.5-turbo-16k=1683758102 gpt-3.5-turbo-16k-0613=1685474247 "
    "gpt-3.5-turbo-0613=1686587434 gpt-4-0613=1686588896 gpt-4-32k-0613=1686614047 gpt-4-0314=1687882410 gpt-4=1687882411 "
    "gpt-4-32k=1687979321 gpt-4-32k-0314=1687979321 davinci-002=1692634301 babbage-002=1692634615 "
    "gpt-3.5-turbo-instruct=1692901427 gpt-3.5-turbo-instruct-0914=1694122472 dall-e-3=1698785189 dall-e-2=1698798177 "
    "gpt-3.5-turbo-1106=1698959748 tts-1-hd=1699046015 tts-1-1106=1699053241 tts-1-hd-1106=1699053533 "
    "text-embedding-3-small=1705948997 text-embedding-3-large=1705953180 gpt-3.5-turbo-0125=1706048358 "
    "gpt-4-turbo=1712361441 gpt-4-turbo-2024-04-09=1712601677 gpt-4o=1715367049 gpt-4o-2024-05-13=1715368132 "
    "gpt-4o-mini-2024-07-18=1721172717 gpt-4o-mini=1721172741 gpt-4o-2024-08-06=1722814719 gpt-4o-audio-preview=1727460443 "
    "gpt-4o-realtime-preview=1727659998 omni-moderation-latest=1731689265 omni-moderation-2024-09-26=1732734466 "
    "gpt-4o-realtime-preview-2024-12-17=1733945430 gpt-4o-audio-preview-2024-12-17=1734034239 "
    "gpt-4o-mini-realtime-preview-2024-12-17=1734112601 gpt-4o-mini-audio-preview-2024-12-17=1734115920 "
    "o1-2024-12-17=1734326976 o1=1734375816 gpt-4o-mini-realtime-preview=1734387380 gpt-4o-mini-audio-preview=1734387424 "
    "computer-use-preview=1734655677 o3-mini=1737146383 o3-mini-2025-01-31=1738010200 gpt-4o-2024-11-20=1739331543 "
    "computer-use-preview-2025-03-11=1741377021 gpt-4o-mini-search-preview-2025-03-11=1741390858 "
    "gpt-4o-mini-search-preview=1741391161 gpt-4o-transcribe=1742068463 gpt-4o-mini-transcribe=1742068596 "
    "o1-pro-2025-03-19=1742251504 o1-pro=1742251791 gpt-4o-mini-tts=1742403959 o3-2025-04-16=1744133301 "
    "o4-mini-2025-04-16=1744133506 o3=1744225308 o4-mini=1744225351 gpt-4.1-2025-04-14=1744315746 gpt-4.1=1744316542 "
    "gpt-4.1-mini-2025-04-14=1744317547 gpt-4.1-mini=1744318173 gpt-4.1-nano-2025-04-14=1744321025 gpt-4.1-nano=1744321707 "
    "gpt-image-1=1745517030 o3-pro=1748475349 gpt-4o-realtime-preview-2025-06-03=1748907838 "
    "gpt-4o-audio-preview-2025-06-03=1748908498 o3-pro-2025-06-10=1749166761 o4-mini-deep-research=1749685485 "
    "o3-deep-research=1749840121 gpt-4o-transcribe-diarize=1750798887 o3-deep-research-2025-06-26=1750865219 "
    "o4-mini-deep-research-2025-06-26=1750866121 gpt-5-chat-latest=1754073306 gpt-5-2025-08-07=1754075360 gpt-5=1754425777 "
    "gpt-5-mini-2025-08-07=1754425867 gpt-5-mini=1754425928 gpt-5-nano-2025-08-07=1754426303 gpt-5-nano=1754426384 "
    "gpt-audio-2025-08-28=1756256146 gpt-realtime=1756271701 gpt-realtime-2025-08-28=1756271773 gpt-audio=1756339249 "
    "gpt-5-codex=1757527818 gpt-image-1-mini=1758845821 gpt-5-pro-2025-10-06=1759469707 gpt-5-pro=1759469822 "
    "gpt-audio-mini=1759512027 gpt-audio-mini-2025-10-06=1759512137 gpt-5-search-api=1759514629 "
    "gpt-realtime-mini=1759517133 gpt-realtime-mini-2025-10-06=1759517175 sora-2=1759708615 sora-2-pro=1759708663 "
    "gpt-5-search-api-2025-10-14=1760043960 gpt-5.1-chat-latest=1762547951 gpt-5.1-2025-11-13=1762800353 "
    "gpt-5.1=1762800673 gpt-5.1-codex=1762988221 gpt-5.1-codex-mini=1763007109 gpt-5.1-codex-max=1763671532 "
    "gpt-image-1.5=1764030620 gpt-5.2-2025-12-11=1765313028 gpt-5.2=1765313051 gpt-5.2-pro-2025-12-11=1765343959 "
    "gpt-5.2-pro=1765343983 gpt-5.2-chat-latest=1765344352 gpt-4o-mini-transcribe-2025-12-15=1765610407 "
    "gpt-4o-mini-transcribe-2025-03-20=1765610545 gpt-4o-mini-tts-2025-03-20=1765610731 "
    "gpt-4o-mini-tts-2025-12-15=1765610837 gpt-realtime-mini-2025-12-15=1765612007 gpt-audio-mini-2025-12-15=1765760008 "
    "chatgpt-image-latest=1765925279 gpt-5.2-codex=1766164985 gpt-5.3-codex=1770537915 gpt-realtime-1.5=1771461469 "
    "gpt-audio-1.5=1771550885 gpt-4o-search-preview=1771905534 gpt-4o-search-preview-2025-03-11=1771905621 "
    "gpt-5.3-chat-latest=1772236571 gpt-5.4-2026-03-05=1772654062 gpt-5.4-pro=1772659601 gpt-5.4-pro-2026-03-05=1772659657 "
    "gpt-5.4=1772691852 gpt-5.4-nano-2026-03-17=1773450837 gpt-5.4-nano=1773450870 gpt-5.4-mini-2026-03-17=1773451076 "
    "gpt-5.4-mini=1773451123 gpt-image-2=1776399795 gpt-image-2-2026-04-21=1776399994 gpt-5.5=1776824847 "
    "gpt-5.5-2026-04-23=1776839241 gpt-5.5-pro=1776894349 gpt-5.5-pro-2026-04-23=1776894470 chat-latest=1777704602"
)
#: Days of release, from the changelog, for models that no recorded list has.
_RELEASED = (
    "gpt-5.6=2026-07-09 gpt-5.6-sol=2026-07-09 gpt-5.6-terra=2026-07-09 gpt-5.6-luna=2026-07-09 gpt-6-astra=2026-09-03 "
    "gpt-6-sol=2026-09-22 gpt-6-luna=2026-09-22 gpt-6.1-sol=2026-09-29 gpt-6.1-terra=2026-10-26 gpt-6.2-astra=2026-11-17 "
    "gpt-6.2-sol=2026-11-17 gpt-image-2.5-sunburst=2026-09-08 gpt-image-2.5-sunburst-2026-09-08=2026-09-08 "
    "gpt-image-2.5-flare=2026-09-08 gpt-image-2.5-flare-2026-09-08=2026-09-08 gpt-image-2.6-sunburst=2026-11-04 "
    "gpt-image-2.6-flare=2026-11-04 gpt-image-1.5-2025-12-16=2025-12-16 o1-preview=2024-09-12 o1-preview-2024-09-12=2024-09-12 "
    "o1-mini=2024-09-12 o1-mini-2024-09-12=2024-09-12 gpt-4.5-preview=2025-02-27 gpt-4.5-preview-2025-02-27=2025-02-27"
)

#: Owners other than ``system``.
_OWNERS = {
    "openai": (
        "gpt-3.5-turbo gpt-3.5-turbo-0301 gpt-3.5-turbo-0613 gpt-3.5-turbo-16k-0613 gpt-4 gpt-4-0314 gpt-4-0613 gpt-4-32k "
        "gpt-4-32k-0314 gpt-4-32k-0613 ada babbage curie davinci text-ada-001 text-babbage-001 text-curie-001 text-davinci-001 "
        "text-davinci-002"
    ),
    "openai-internal": "text-embedding-ada-002 whisper-1 tts-1 gpt-3.5-turbo-16k text-davinci-003",
    "openai-dev": "text-similarity-ada-001 text-search-ada-doc-001 text-search-ada-query-001",
}

#: Shutdown dates, from the deprecations page as of November 2026.
_SHUTDOWNS = {
    "2024-01-04": (
        "ada babbage curie davinci text-ada-001 text-babbage-001 text-curie-001 text-davinci-001 text-davinci-002 "
        "text-davinci-003 text-similarity-ada-001 text-search-ada-doc-001 text-search-ada-query-001"
    ),
    "2024-09-13": "gpt-3.5-turbo-0301 gpt-3.5-turbo-0613 gpt-3.5-turbo-16k gpt-3.5-turbo-16k-0613",
    "2024-12-06": "gpt-4-vision-preview gpt-4-1106-vision-preview",
    "2025-06-06": "gpt-4-32k gpt-4-32k-0314 gpt-4-32k-0613",
    "2025-07-14": "gpt-4.5-preview gpt-4.5-preview-2025-02-27",
    "2025-07-28": "o1-preview o1-preview-2024-09-12",
    "2025-10-10": "gpt-4o-realtime-preview-2024-10-01 gpt-4o-audio-preview-2024-10-01",
    "2025-10-27": (
        "o1-mini o1-mini-2024-09-12 text-moderation-006 text-moderation-007 text-moderation-latest text-moderation-stable"
    ),
    "2026-01-16": "codex-mini-latest",
    "2026-02-17": "chatgpt-4o-latest",
    "2026-05-07": "gpt-4o-realtime-preview-2024-12-17",
    "2026-05-12": "dall-e-2 dall-e-3",
    "2026-07-23": (
        "computer-use-preview computer-use-preview-2025-03-11 gpt-4o-audio-preview-2024-12-17 "
        "gpt-4o-mini-audio-preview-2024-12-17 gpt-4o-mini-realtime-preview-2024-12-17 "
        "gpt-4o-mini-search-preview-2025-03-11 gpt-4o-mini-tts-2025-03-20 gpt-4o-search-preview-2025-03-11 "
        "gpt-5-chat-latest gpt-5-codex gpt-5.1-chat-latest gpt-5.1-codex gpt-5.1-codex-max gpt-5.1-codex-mini "
        "gpt-audio-mini-2025-10-06 gpt-realtime-mini-2025-10-06 o3-deep-research o3-deep-research-2025-06-26 "
        "o4-mini-deep-research o4-mini-deep-research-2025-06-26 gpt-5.2-codex"
    ),
    "2026-08-10": "gpt-5.2-chat-latest gpt-5.3-chat-latest",
    "2026-09-28": "gpt-3.5-turbo-instruct gpt-3.5-turbo-1106 davinci-002 babbage-002",
    "2026-10-23": (
        "gpt-3.5-turbo gpt-3.5-turbo-0125 gpt-4 gpt-4-0613 gpt-4-1106-preview gpt-4-turbo gpt-4-turbo-2024-04-09 "
        "gpt-4o-2024-05-13 o1 o1-2024-12-17 o1-pro o1-pro-2025-03-19 o3-mini o3-mini-2025-01-31 o4-mini "
        "o4-mini-2025-04-16 gpt-4.1-nano gpt-4.1-nano-2025-04-14 gpt-image-1"
    ),
    "2026-12-01": "gpt-image-1-mini gpt-image-1.5 gpt-image-1.5-2025-12-16 chatgpt-image-latest",
    "2026-12-11": (
        "gpt-5 gpt-5-2025-08-07 gpt-5-mini gpt-5-mini-2025-08-07 gpt-5-nano gpt-5-nano-2025-08-07 gpt-5-pro "
        "gpt-5-pro-2025-10-06 o3 o3-2025-04-16 o3-pro o3-pro-2025-06-10"
    ),
    "2027-01-06": "tts-1 tts-1-hd gpt-4o-mini-tts",
    "2027-01-14": (
        "gpt-4o gpt-4o-2024-08-06 gpt-4o-2024-11-20 gpt-4o-mini gpt-4o-mini-2024-07-18 gpt-4.1 gpt-4.1-2025-04-14 "
        "gpt-4.1-mini gpt-4.1-mini-2025-04-14"
    ),
    "2027-01-20": (
        "gpt-realtime gpt-realtime-2025-08-28 gpt-realtime-mini gpt-audio gpt-audio-2025-08-28 gpt-4o-realtime-preview "
        "gpt-4o-realtime-preview-2025-06-03 gpt-4o-audio-preview gpt-4o-audio-preview-2025-06-03"
    ),
    "2027-02-26": "whisper-1 gpt-4o-transcribe gpt-4o-mini-transcribe gpt-4o-transcribe-diarize",
    "2027-04-01": "gpt-5.1 gpt-5.1-2025-11-13 gpt-5.3-codex gpt-5.4-nano gpt-5.4-nano-2026-03-17",
}  # fmt: skip

_CREATED = {name: int(seconds) for name, seconds in (word.split("=") for word in _LISTED.split())}
_RELEASES = dict(word.split("=", 1) for word in _RELEASED.split())
_OWNER = {name: owner for owner, names in _OWNERS.items() for name in names.split()}
_SHUTDOWN = {name: day for day, names in _SHUTDOWNS.items() for name in names.split()}


class Listing(NamedTuple):
    """What the list of models says of one model besides its id. ``created`` is in seconds, ``shutdown_date`` a day or None."""

    created: int
    owned_by: str
    shutdown_date: str | None


def shutdown_day(name: str) -> str | None:
    """The day (``2026-10-23``) on which the API stops or stopped to serve a model; None for no such day."""
    return _SHUTDOWN.get(name)


def names() -> frozenset[str]:
    """The names of all models that were ever listed, released or shut down."""
    return frozenset([*_CREATED, *_RELEASES, *_SHUTDOWN])


def is_shut_down(name: str, now: float) -> bool:
    """Whether the API does not serve the model any more at a time, in seconds since 1970."""
    day = _SHUTDOWN.get(name)
    return day is not None and timegm(strptime(day, "%Y-%m-%d")) <= now


def listing(model: Model) -> Listing:
    """The list's facts about a model; a user's ``created`` and ``owned_by`` come first.

    A fine-tuned model is the property of the organization in its name.
    """
    name = model.id
    organization = name.split(":")[2] if fine_tuned_from(name) else ""
    day = _RELEASES.get(name)
    created = model.created or _CREATED.get(name) or (timegm(strptime(day, "%Y-%m-%d")) if day else UNKNOWN)
    return Listing(created, model.owned_by or organization or _OWNER.get(name, "system"), _SHUTDOWN.get(name))
