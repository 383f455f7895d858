"""Script: one atomic operation of the Redis store, in Lua, and the functions that all scripts share.

``KEYS[1]`` begins the keys of one namespace, ``KEYS[2]`` those of the whole store. ``ARGV`` begins with the seconds after which
an unused key expires, the present time, and the name of the namespace. A key that a script makes is listed in ``parts``, so that
a use of the namespace can extend the life of all its keys, and a reset can delete them.

Redis reports a floating-point number as an integer, so scripts return such numbers as text.
"""

from __future__ import annotations

from hashlib import sha1


class Script:
    """A script: its text and its digest, by which a server that has seen the text knows it."""

    def __init__(self, body: str) -> None:
        self.text = (_BEGIN + body).encode()
        self.digest = sha1(self.text, usedforsecurity=False).hexdigest().encode()


_BEGIN = """
local ns, all = KEYS[1], KEYS[2]
local ttl, now, name = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local call = redis.call

-- Lists a key of the namespace, and lets it expire. Keys outlive the time after which a namespace counts as unused.
local function touch(part)
  if call('SADD', ns .. 'parts', part) == 1 then
    call('SADD', all .. 'names', name)
    call('EXPIRE', all .. 'names', ttl * 2)
  end
  call('EXPIRE', ns .. 'parts', ttl * 2)
  call('EXPIRE', ns .. part, ttl * 2)
end

local function refresh_store()
  for _, part in ipairs({'names', 'epochs', 'numbers', 'used', 'dropped', 'counters', 'journal', 'sizes'}) do
    call('EXPIRE', all .. part, ttl * 2)
  end
end

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

local function count(counter, amount)
  local value = call('HINCRBY', all .. 'counters', counter, amount)
  call('EXPIRE', all .. 'counters', ttl * 2)
  return value
end

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

local function clear_journal()
  local keys = call('ZRANGE', ns .. 'order', 0, -1)
  for _, key in ipairs(keys) do
    forget(ns, key, key .. '\\0' .. name)
  end
  return #keys
end

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
"""
