"""Requests that are refused at every level of lint, listed so that the table of checks is complete."""

from __future__ import annotations

from .check import Check

_IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
_TOOL = {"type": "function", "function": {"name": "now"}}

ALWAYS = (
    Check("function_name", "Names are letters, digits, ``_`` and ``-``, 64 of them at most.", ("chat",),
          {"tools": [{"type": "function", "function": {"name": "what time?"}}]}, {"tools": [_TOOL]}),
    Check("stop_sequences", "There are four stop sequences at most.", ("chat",),
          {"stop": ["1", "2", "3", "4", "5"]}, {"stop": ["1", "2", "3", "4"]}),
    Check("metadata_keys", "Metadata has 16 keys at most.", ("chat", "responses"),
          {"metadata": {f"key{number}": "" for number in range(17)}}, {"metadata": {"key": ""}}),
    Check("image_role", "Images are only for messages of the user.", ("chat",),
          {"messages": [{"role": "system", "content": [_IMAGE]}]}, {"messages": [{"role": "user", "content": [_IMAGE]}]}),
    Check("part_role", "Each role has its own kinds of parts.", ("responses",),
          {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "Hello"}]}]},
          {"input": [{"role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]}]}),
    Check("messages_moved", "``messages`` is a parameter of chat.", ("responses",),
          {"messages": [{"role": "user", "content": "Hello"}]}, {}),
    Check("best_of", "``n`` is larger than ``best_of``.", ("completions",),
          {"n": 2, "best_of": 1}, {"n": 2, "best_of": 2}),
    Check("top_logprobs_alone", "``top_logprobs`` needs ``logprobs``.", ("chat",),
          {"top_logprobs": 2}, {"logprobs": True, "top_logprobs": 2}),
)  # fmt: skip
