"""The scripts of the Redis store for objects, blobs and work in the background (``state.redis_script``)."""

from __future__ import annotations

from .redis_script import Script

# Objects

#: ARGV: collection, id, value, labels as JSON or "", objects of a collection that are kept.
PUT = Script("""
local collection, id = ARGV[4], ARGV[5]
call('HSET', ns .. 'values:' .. collection, id, ARGV[6])
if ARGV[7] == '' then
  call('HDEL', ns .. 'labels:' .. collection, id)
else
  call('HSET', ns .. 'labels:' .. collection, id, ARGV[7])
end
if not call('ZSCORE', ns .. 'ids:' .. collection, id) then
  call('ZADD', ns .. 'ids:' .. collection, count('objects', 1), id)
end
for _, part in ipairs({'values:', 'labels:', 'ids:'}) do
  touch(part .. collection)
end
if call('ZCARD', ns .. 'ids:' .. collection) > tonumber(ARGV[8]) then
  local oldest = call('ZPOPMIN', ns .. 'ids:' .. collection)[1]
  call('HDEL', ns .. 'values:' .. collection, oldest)
  call('HDEL', ns .. 'labels:' .. collection, oldest)
end
return 1
""")

#: ARGV: collection, id.
DELETE = Script("""
call('HDEL', ns .. 'labels:' .. ARGV[4], ARGV[5])
call('HDEL', ns .. 'values:' .. ARGV[4], ARGV[5])
return call('ZREM', ns .. 'ids:' .. ARGV[4], ARGV[5])
""")

#: ARGV: collection, id, old value behind a "+" or "" for none, new value.
SWAP = Script("""
local value = call('HGET', ns .. 'values:' .. ARGV[4], ARGV[5])
if (value and '+' .. value or '') ~= ARGV[6] then
  return 0
end
call('HSET', ns .. 'values:' .. ARGV[4], ARGV[5], ARGV[7])
touch('values:' .. ARGV[4])
if not value then
  call('ZADD', ns .. 'ids:' .. ARGV[4], count('objects', 1), ARGV[5])
  touch('ids:' .. ARGV[4])
end
return 1
""")

#: ARGV: collection, limit, 1 for the newest first, ``after`` and ``before`` each behind a "+" or "" for none, labels and their
#: texts by turns. Returns false without such an id, else 1 when more follow, and the values.
PAGE = Script("""
local ids, values = ns .. 'ids:' .. ARGV[4], ns .. 'values:' .. ARGV[4]
local limit, rank, range = tonumber(ARGV[5]), 'ZRANK', 'ZRANGE'
if ARGV[6] == '1' then
  rank, range = 'ZREVRANK', 'ZREVRANGE'
end
local start, stop = 0, call('ZCARD', ids)
if ARGV[7] ~= '' then
  local after = call(rank, ids, string.sub(ARGV[7], 2))
  if not after then
    return false
  end
  start = after + 1
end
if ARGV[8] ~= '' then
  local before = call(rank, ids, string.sub(ARGV[8], 2))
  if not before then
    return false
  end
  if before >= start then
    stop = before
  end
end
local function fits(id)
  if #ARGV == 8 then
    return true
  end
  local text = call('HGET', ns .. 'labels:' .. ARGV[4], id)
  local labels = text and cjson.decode(text) or {}
  for at = 9, #ARGV, 2 do
    if labels[ARGV[at]] ~= ARGV[at + 1] then
      return false
    end
  end
  return true
end
local page = {0}
while start < stop do
  local last = math.min(stop, start + limit + 1) - 1
  for _, id in ipairs(call(range, ids, start, last)) do
    if fits(id) then
      if #page > limit then
        page[1] = 1
        return page
      end
      page[#page + 1] = call('HGET', values, id)
    end
  end
  start = last + 1
end
return page
""")

# Blobs

#: ARGV: id, data, a new key, bytes of all blobs, number of blobs. Returns the size, -1 when there is no room.
APPEND_BLOB = Script("""
local id, data = ARGV[4], ARGV[5]
local blob = call('HGET', ns .. 'blobs', id)
local total = tonumber(call('GET', ns .. 'blobsize') or '0') + #data
if total > tonumber(ARGV[7]) or (not blob and call('HLEN', ns .. 'blobs') >= tonumber(ARGV[8])) then
  return -1
end
local key, size, chunks = string.match(blob or ARGV[6] .. ' 0 0', '^(%S+) (%d+) (%d+)$')
local part = 'chunk:' .. key .. ':' .. chunks
size = tonumber(size) + #data
call('SET', ns .. part, data)
call('HSET', ns .. 'blobs', id, key .. ' ' .. string.format('%.0f', size) .. ' ' .. chunks + 1)
call('SET', ns .. 'blobsize', string.format('%.0f', total))
touch(part)
touch('blobs')
touch('blobsize')
return size
""")

#: ARGV: old id, new id, a new key.
RENAME_BLOB = Script("""
local blob = call('HGET', ns .. 'blobs', ARGV[4]) or ARGV[6] .. ' 0 0'
delete_blob(ARGV[5])
call('HDEL', ns .. 'blobs', ARGV[4])
call('HSET', ns .. 'blobs', ARGV[5], blob)
touch('blobs')
return 1
""")

#: ARGV: id.
DELETE_BLOB = Script("return delete_blob(ARGV[4])")

# Work in the background

#: ARGV: job, holder, seconds, the time by the clock of the mock.
LEASE = Script("""
local lease = call('HGET', ns .. 'leases', ARGV[4])
if lease then
  local ends, holder = string.match(lease, '^(%S+) (.*)$')
  if holder ~= ARGV[5] and tonumber(ends) > tonumber(ARGV[7]) then
    return 0
  end
end
call('HSET', ns .. 'leases', ARGV[4], string.format('%.17g', ARGV[7] + ARGV[6]) .. ' ' .. ARGV[5])
touch('leases')
return 1
""")

#: ARGV: job, holder.
RELEASE = Script("""
local lease = call('HGET', ns .. 'leases', ARGV[4])
if lease and string.match(lease, '^%S+ (.*)$') == ARGV[5] then
  call('HDEL', ns .. 'leases', ARGV[4])
end
return 1
""")

#: ARGV: job, time or "".
SCHEDULE = Script("""
if ARGV[5] == '' then
  call('ZREM', ns .. 'schedule', ARGV[4])
else
  call('ZADD', ns .. 'schedule', ARGV[5], ARGV[4])
  touch('schedule')
end
return 1
""")

#: ARGV: counter.
INCREMENT = Script("return count(ARGV[4], 1)")
