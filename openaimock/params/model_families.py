"""Families of models that answer prompts: one row each, from GPT-6 back to the first completion models.

Sources, in order of weight: recorded answers of the API; the API description; OpenAI's model pages and its guides to
reasoning, images and latest models (context windows, output limits, efforts); error messages in public bug reports.
"""

from __future__ import annotations

from ..text.facts import Patches, Tiles
from .model_facts import Family, Model

_BOTH = frozenset(["chat", "responses"])
_CHAT, _RESPONSES, _COMPLETIONS = frozenset(["chat"]), frozenset(["responses"]), frozenset(["completions"])

# Efforts as the API lists them when it refuses one.
_LOW_HIGH = ("low", "medium", "high")
_LOW_XHIGH = (*_LOW_HIGH, "xhigh")
_LOW_MAX = (*_LOW_XHIGH, "max")
_PRO = ("medium", "high", "xhigh")

_INSTEAD = "Please use /v1/responses instead."
_OR_NONE = "To use function tools, use /v1/responses or set reasoning_effort to 'none'."
_NOT_FOR_SEARCH = (
    "frequency_penalty", "logit_bias", "logprobs", "n", "parallel_tool_calls", "presence_penalty", "seed", "stop", "temperature",
    "top_logprobs", "top_p",
)  # fmt: skip

# Image rules, from the guide to images and vision. The multiplier 1.2 (1.5 for gpt-5-nano) is measured on recorded usage: the
# guide says 1.62 and 2.46 for gpt-5-mini and gpt-5-nano, which the API does not count. GPT-5.6 is measured once: about 2.4.
_GPT4_TILES, _GPT5_TILES, _O_TILES = Tiles(85, 170), Tiles(70, 140), Tiles(75, 150)
_PATCHES = Patches(1.2)
_ORIGINAL = Patches(1.2, 2500, 10_000)
_UNBOUNDED = Patches(2.4, 2500, 1_000_000, full=True)

# GPT-4 and before: no reasoning.
_GPT4O = Model(endpoints=_BOTH, context_window=128_000, max_output_tokens=16_384, image=_GPT4_TILES)
_GPT41 = _GPT4O._replace(context_window=1_047_576, max_output_tokens=32_768)
_GPT4_TURBO = _GPT4O._replace(max_output_tokens=4096, schemas=False, encoding="cl100k_base", prompt="older")
_GPT4 = _GPT4_TURBO._replace(fingerprint=False, context_window=8192, max_output_tokens=8192, image=None)
_GPT35 = _GPT4._replace(context_window=16_385, max_output_tokens=4096)
_AUDIO = _GPT4O._replace(endpoints=_CHAT, logprobs=False, audio=True, audio_usage=True, image=None)
_SEARCH = _GPT4O._replace(
    endpoints=_CHAT, logprobs=False, service_tier=False, web_search=True, incompatible=_NOT_FOR_SEARCH, image=None,
    prompt="search",
)  # fmt: skip
_BASE = Model(endpoints=_COMPLETIONS, schemas=False, encoding="cl100k_base", prompt="older", fingerprint=False)

# The o series.
_O1 = Model(
    endpoints=_BOTH, effort="medium", efforts=_LOW_HIGH, context="current_turn", mode="standard", logprobs=False,
    context_window=200_000, max_output_tokens=100_000, no_parallel=True, image=_O_TILES, prompt="o",
)  # fmt: skip
_O3 = _O1._replace(fingerprint=False, no_parallel=False, no_stop=True)
_O1_FIRST = _O1._replace(
    endpoints=_CHAT, efforts=(), context_window=128_000, no_stop=True, no_roles=("system", "developer"), schemas=False,
    image=None,
)  # fmt: skip
_RESEARCH = _O3._replace(endpoints=_RESPONSES, efforts=("medium",))

# GPT-5.
_GPT5 = Model(
    endpoints=_BOTH, effort="medium", efforts=("minimal", *_LOW_HIGH), context="current_turn", mode="standard",
    fingerprint=False, logprobs=False, context_window=400_000, max_output_tokens=128_000, modern=True, no_stop=True,
    image=_GPT5_TILES, prompt="gpt-5",
)  # fmt: skip
_CODEX = _GPT5._replace(endpoints=_RESPONSES, efforts=_LOW_HIGH)
_GPT5_CHAT = _GPT5._replace(
    effort=None,
    efforts=(),
    context=None,
    mode=None,
    context_window=128_000,
    max_output_tokens=16_384,
    no_stop=False,
    prompt="current",
)
#: The chat variants from 5.1 on decide by themselves how much to reason.
_ADAPTIVE = _GPT5._replace(efforts=("medium",), context_window=128_000, max_output_tokens=16_384, unproven=True, prompt="later")
_GPT51 = _GPT5._replace(effort="none", efforts=("none", *_LOW_HIGH), no_stop=False, prompt="later")
_GPT52 = _GPT51._replace(efforts=("none", *_LOW_XHIGH), top_p=0.98, prompt_cache_retention="24h", image=_PATCHES)
_CODEX52 = _GPT52._replace(endpoints=_RESPONSES, effort="medium", efforts=_LOW_XHIGH, no_stop=True)
_PRO52 = _CODEX52._replace(efforts=_PRO)
_GPT54 = _GPT52._replace(context_window=1_050_000, phase=True, no_tools=_INSTEAD, image=_ORIGINAL)
_PRO54 = _PRO52._replace(context_window=1_050_000, phase=True, image=_ORIGINAL)
_GPT55 = _GPT54._replace(effort="medium", no_stop=True, image=_ORIGINAL._replace(full=True))
_GPT56 = _GPT55._replace(efforts=("none", *_LOW_MAX), context="all_turns", no_tools=_OR_NONE, cache_writes=True, image=_UNBOUNDED)

# GPT-6: Astra refuses ``none``, and so does Sol from 6.1 on; Luna, Terra and the first Sol have it.
_GPT6 = _GPT56
_ALWAYS = _GPT6._replace(efforts=_LOW_MAX)

_NEWEST = (
    Family(_ALWAYS, "gpt-6.2-astra gpt-6.2-astra-law gpt-6.2-sol", "gpt-6. gpt-7 gpt-7. gpt-8 gpt-8. gpt-9 gpt-9."),
    Family(_ALWAYS, "gpt-6.1-sol"),
    Family(_ALWAYS, "gpt-6-astra gpt-6-cyber gpt-6-rosalind"),
    Family(_GPT6, "gpt-6-sol gpt-6-luna gpt-6.1-terra", "gpt-6"),
    # Research previews of the Responses API; nothing more is published about them.
    Family(
        _ALWAYS._replace(endpoints=_RESPONSES, unproven=True),
        "gpt-daybreak-blue-latest gpt-daybreak-red-latest gpt-rosalind-research",
    ),
)
_GPT5_ROWS = (
    Family(_GPT56, "gpt-5.6=gpt-5.6-sol gpt-5.6-sol gpt-5.6-terra gpt-5.6-luna", "gpt-5."),
    Family(_GPT56._replace(endpoints=_RESPONSES), "gpt-5.6-cyber"),
    Family(_GPT55, "gpt-5.5=gpt-5.5-2026-04-23"),
    Family(_PRO54, "gpt-5.5-pro=gpt-5.5-pro-2026-04-23"),
    Family(_GPT54, "gpt-5.4=gpt-5.4-2026-03-05"),
    Family(_GPT54._replace(context_window=400_000, image=_PATCHES),
           "gpt-5.4-mini=gpt-5.4-mini-2026-03-17 gpt-5.4-nano=gpt-5.4-nano-2026-03-17"),
    Family(_PRO54, "gpt-5.4-pro=gpt-5.4-pro-2026-03-05"),
    Family(_ADAPTIVE, "gpt-5.1-chat-latest", "gpt-5.1-chat"),
    Family(_ADAPTIVE._replace(top_p=0.98, prompt_cache_retention="24h", image=_PATCHES),
           "gpt-5.2-chat-latest gpt-5.3-chat-latest chat-latest", "gpt-5.2-chat gpt-5.3-chat"),
    Family(_CODEX52._replace(phase=True), "gpt-5.3-codex gpt-5.3-codex-spark"),
    Family(_GPT52, "gpt-5.2=gpt-5.2-2025-12-11"),
    Family(_PRO52, "gpt-5.2-pro=gpt-5.2-pro-2025-12-11"),
    Family(_CODEX52, "gpt-5.2-codex"),
    Family(_GPT51, "gpt-5.1=gpt-5.1-2025-11-13 gpt-5.1-mini"),
    Family(_CODEX, "gpt-5.1-codex"),
    Family(_CODEX._replace(efforts=_LOW_XHIGH), "gpt-5.1-codex-max"),
    Family(_CODEX._replace(image=_PATCHES), "gpt-5.1-codex-mini gpt-5-codex-mini"),
    Family(_GPT5, "gpt-5=gpt-5-2025-08-07"),
    Family(_GPT5._replace(image=_PATCHES), "gpt-5-mini=gpt-5-mini-2025-08-07"),
    Family(_GPT5._replace(image=Patches(1.5)), "gpt-5-nano=gpt-5-nano-2025-08-07"),
    Family(_GPT5_CHAT, "gpt-5-chat-latest", "gpt-5-chat"),
    Family(_CODEX, "gpt-5-codex"),
    Family(_CODEX._replace(effort="high", efforts=("high",), max_output_tokens=272_000), "gpt-5-pro=gpt-5-pro-2025-10-06"),
    Family(_GPT5._replace(endpoints=_CHAT, efforts=(), service_tier=False, web_search=True, unproven=True, prompt="search"),
           "gpt-5-search-api=gpt-5-search-api-2025-10-14"),
)  # fmt: skip
_O_ROWS = (
    Family(_O3._replace(image=Patches(1.72)), "o4-mini=o4-mini-2025-04-16"),
    Family(_O3, "o3=o3-2025-04-16", "o2 o4 o5 o6 o7 o8 o9"),
    Family(_O3._replace(endpoints=_RESPONSES), "o3-pro=o3-pro-2025-06-10"),
    Family(_RESEARCH, "o3-deep-research=o3-deep-research-2025-06-26 o4-mini-deep-research=o4-mini-deep-research-2025-06-26"),
    Family(_O1._replace(no_temperature=True, image=None), "o3-mini=o3-mini-2025-01-31"),
    Family(_O1, "o1=o1-2024-12-17"),
    Family(_O1._replace(endpoints=_RESPONSES), "o1-pro=o1-pro-2025-03-19"),
    Family(_O1_FIRST._replace(max_output_tokens=65_536), "o1-mini=o1-mini-2024-09-12"),
    Family(_O1_FIRST._replace(max_output_tokens=32_768), "o1-preview=o1-preview-2024-09-12"),
    Family(_O3._replace(endpoints=_RESPONSES), "codex-mini-latest", "codex-mini"),
    Family(_O3._replace(endpoints=_RESPONSES, context_window=8192, max_output_tokens=1024, image=Tiles(65, 129), unproven=True),
           "computer-use-preview=computer-use-preview-2025-03-11"),
)  # fmt: skip
_GPT4_ROWS = (
    Family(_GPT41, "gpt-4.1=gpt-4.1-2025-04-14", "gpt-4."),
    Family(_GPT41._replace(image=Patches(1.62)), "gpt-4.1-mini=gpt-4.1-mini-2025-04-14"),
    Family(_GPT41._replace(image=Patches(2.46)), "gpt-4.1-nano=gpt-4.1-nano-2025-04-14"),
    # Recorded once, in 2025: null, and no logprobs member.
    Family(_GPT4O._replace(fingerprint=False, logprobs=False), "gpt-4.5-preview=gpt-4.5-preview-2025-02-27", "gpt-4.5"),
    Family(_GPT4O, "gpt-4o=gpt-4o-2024-08-06 gpt-4o-2024-11-20 chatgpt-4o-latest", "chatgpt-4o"),
    Family(_GPT4O._replace(max_output_tokens=4096, schemas=False), "gpt-4o-2024-05-13"),
    Family(_GPT4O._replace(image=Tiles(2833, 5667)), "gpt-4o-mini=gpt-4o-mini-2024-07-18"),
    Family(_AUDIO, "gpt-4o-audio-preview=gpt-4o-audio-preview-2025-06-03 gpt-4o-audio-preview-2024-12-17 "
                   "gpt-4o-audio-preview-2024-10-01 gpt-4o-mini-audio-preview=gpt-4o-mini-audio-preview-2024-12-17 "
                   "gpt-audio=gpt-audio-2025-08-28 gpt-audio-1.5 gpt-audio-mini=gpt-audio-mini-2025-12-15 "
                   "gpt-audio-mini-2025-10-06"),
    Family(_SEARCH, "gpt-4o-search-preview=gpt-4o-search-preview-2025-03-11 "
                    "gpt-4o-mini-search-preview=gpt-4o-mini-search-preview-2025-03-11"),
    Family(_GPT4_TURBO, "gpt-4-turbo=gpt-4-turbo-2024-04-09 gpt-4-vision-preview=gpt-4-1106-vision-preview"),
    Family(_GPT4_TURBO._replace(image=None), "gpt-4-1106-preview"),
    Family(_GPT4_TURBO._replace(image=None, fingerprint=False), "gpt-4-turbo-preview=gpt-4-0125-preview"),
    Family(_GPT4, "gpt-4=gpt-4-0613 gpt-4-0314"),
    Family(_GPT4._replace(context_window=32_768, max_output_tokens=32_768), "gpt-4-32k=gpt-4-32k-0613 gpt-4-32k-0314"),
    # Azure writes the name without the dot, and answers so.
    Family(_GPT35, "gpt-3.5-turbo=gpt-3.5-turbo-0125 gpt-3.5-turbo-1106 gpt-3.5-turbo-16k=gpt-3.5-turbo-16k-0613",
           "gpt-35-turbo"),
    Family(_GPT35._replace(context_window=4096), "gpt-3.5-turbo-0613 gpt-3.5-turbo-0301"),
)  # fmt: skip
_COMPLETION_ROWS = (
    Family(_BASE._replace(context_window=4096, max_output_tokens=4096),
           "gpt-3.5-turbo-instruct=gpt-3.5-turbo-instruct:20230824-v2 "
           "gpt-3.5-turbo-instruct-0914=gpt-3.5-turbo-instruct:20230824-v2", "gpt-35-turbo-instruct"),
    Family(_BASE._replace(context_window=16_384, max_output_tokens=16_384, repeats_length=False),
           "davinci-002=davinci:2023-07-21-v2 babbage-002=babbage:2023-07-21-v2"),
    Family(_BASE._replace(context_window=4097, max_output_tokens=4096, repeats_length=False),
           "text-davinci-003 text-davinci-002"),
    Family(_BASE._replace(context_window=2049, max_output_tokens=2048, repeats_length=False),
           "text-davinci-001 text-curie-001 text-babbage-001 text-ada-001 davinci curie babbage ada"),
)  # fmt: skip

FAMILIES = (*_NEWEST, *_GPT5_ROWS, *_O_ROWS, *_GPT4_ROWS, *_COMPLETION_ROWS)
