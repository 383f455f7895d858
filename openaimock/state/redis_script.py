"""Script: one atomic operation of the Redis store, in Lua, and the functions that all scripts share.

``KEYS[1]`` begins the keys of one namespace, ``KEYS[2]`` those of the whole store. ``ARGV`` begins with the seconds after which
an unused key expires, the name of the namespace, and the present time. A key that a script makes is listed in ``parts``, so that
a use of the namespace can extend the life of all its keys, and a reset can delete them.

Redis reports a floating-point number as an integer, so scripts return such numbers as text.
"""

from __future__ import annotations

from hashlib import sha1

from .redis_wire import packed


class Script:
    """A script: its text, and the packed commands that run it by its text and by the digest that a server remembers it by."""

    def __init__(self, body: str) -> None:
        text = (_BEGIN + _called(body) + body).encode()
        digest = sha1(text, usedforsecurity=False).hexdigest().encode()
        self.by_text, self.by_digest = packed((b"EVAL", text)), packed((b"EVALSHA", digest))


def _called(body: str) -> str:
    """The shared functions that a script calls: a server makes all functions of a script anew at each call."""
    texts: list[str] = []
    for function in reversed(_FUNCTIONS):
        name = function.partition("local function ")[2].partition("(")[0]
        if f"{name}(" in "".join((*texts, body)):
            texts.insert(0, function)
    return "".join(texts)


_BEGIN = """
local ns, all = KEYS[1], KEYS[2]
local ttl, name, now = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local call = redis.call
"""

#: Functions that scripts share, each after those that it calls.
_FUNCTIONS = (
    """
-- Lists a key of the namespace, and lets it expire. Keys outlive the time after which a namespace counts as unused.
local function touch(part)
  if call('SADD', ns .. 'parts', part) == 1 then
    call('SADD', all .. 'names', name)
    call('EXPIRE', all .. 'names', ttl * 2)
  end
  call('EXPIRE', ns .. 'parts', ttl * 2)
  call('EXPIRE', ns .. part, ttl * 2)
end
""",
    """
local function refresh_store()
  for _, part in ipairs({'names', 'epochs', 'numbers', 'used', 'dropped', 'counters', 'journal', 'sizes'}) do
    call('EXPIRE', all .. part, ttl * 2)
  end
end
""",
    """
-- Extends the life of all keys of the namespace and of the store, at most once in a tenth of that life.
local function refresh()
  if not call('SET', ns .. 'fresh', '1', 'EX', math.max(1, math.floor(ttl / 10)), 'NX') then
    return
  end
  for _, part in ipairs(call('SMEMBERS', ns .. 'parts')) do
    call('EXPIRE', ns .. part, ttl * 2)
  end
  call('EXPIRE', ns .. 'parts', ttl * 2)
  refresh_store()
end
""",
    """
local function count(counter, amount)
  local value = call('HINCRBY', all .. 'counters', counter, amount)
  call('EXPIRE', all .. 'counters', ttl * 2)
  return value
end
""",
    """
-- Forgets one exchange of a journal, whose key is ``key``.
local function forget(space, key, member)
  call('HDEL', space .. 'records', key)
  call('ZREM', space .. 'order', key)
  call('ZREM', all .. 'journal', member)
  local size = call('HGET', all .. 'sizes', key)
  if size then
    call('HDEL', all .. 'sizes', key)
    count('journal', -tonumber(size))
  end
end
""",
    """
local function delete_blob(id)
  local blob = call('HGET', ns .. 'blobs', id)
  if not blob then
    return 0
  end
  local key, size, chunks = string.match(blob, '^(%S+) (%d+) (%d+)$')
  for number = 0, tonumber(chunks) - 1 do
    call('UNLINK', ns .. 'chunk:' .. key .. ':' .. number)
    call('SREM', ns .. 'parts', 'chunk:' .. key .. ':' .. number)
  end
  call('HDEL', ns .. 'blobs', id)
  call('DECRBY', ns .. 'blobsize', size)
  return 1
end
""",
    """
local function clear_journal()
  local keys = call('ZRANGE', ns .. 'order', 0, -1)
  for _, key in ipairs(keys) do
    forget(ns, key, key .. '\\0' .. name)
  end
  return #keys
end
""",
    """
-- Forgets the namespace ``ns``.
local function reset()
  clear_journal()
  for _, part in ipairs(call('SMEMBERS', ns .. 'parts')) do
    call('UNLINK', ns .. part)
  end
  call('UNLINK', ns .. 'parts', ns .. 'fresh')
  call('HDEL', all .. 'epochs', name)
  call('HDEL', all .. 'numbers', name)
  call('HDEL', all .. 'dropped', name)
  call('ZREM', all .. 'used', name)
  call('SREM', all .. 'names', name)
end
""",
)
