"""The scripts of the Redis store for namespaces, the journal, rules and limits (``state.redis_script``)."""

from __future__ import annotations

from .redis_script import Script

# Namespaces

#: ARGV: how many numbers.
NUMBERS = Script("""
local epoch = call('HGET', all .. 'epochs', name)
if not epoch then
  -- Above all earlier ones, also when the store has expired since.
  local last = call('HGET', all .. 'counters', 'epochs')
  epoch = string.format('%.0f', math.max(tonumber(last or '0') + 1, math.floor(now * 1000)))
  if not last then
    call('HSET', all .. 'counters', 'born', epoch)
  end
  call('HSET', all .. 'counters', 'epochs', epoch)
  call('HSET', all .. 'epochs', name, epoch)
  call('SADD', all .. 'names', name)
end
call('ZADD', all .. 'used', now, name)
local first = call('HINCRBY', all .. 'numbers', name, ARGV[4]) - ARGV[4] + 1
refresh()
return {epoch, string.format('%.0f', first)}
""")

RESET = Script("""
reset()
return count('resets', 1)
""")

#: ARGV: the beginning of the keys of every namespace. KEYS[1] is that of the whole store's own namespace.
RESET_ALL = Script("""
local own = name
for _, other in ipairs(call('SMEMBERS', all .. 'names')) do
  if other ~= own then
    ns, name = ARGV[4] .. other .. ':', other
    reset()
  end
end
return count('resets', 1)
""")

#: ARGV: how many namespaces may exist. KEYS[1] is the whole store's own namespace, which lives as long as a process does.
SURPLUS = Script("""
refresh()
local names = call('ZREVRANGE', all .. 'used', ARGV[4], -1)
for _, unused in ipairs(call('ZRANGEBYSCORE', all .. 'used', '-inf', now - ttl)) do
  names[#names + 1] = unused
end
return names
""")

#: ARGV: entries of a journal, bytes of all journals, the beginning of the keys of every namespace, the number of batches; of each
#: batch its namespace, epoch and dropped exchanges, the number of hits and each (rule, answer, count), the number of entries and
#: each (key, record, size, again).
WRITE = Script("""
local limit, memory, base, at = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6], 7
local function next_argument()
  at = at + 1
  return ARGV[at]
end
for _ = 1, tonumber(ARGV[7]) do
  name = next_argument()
  ns = base .. name .. ':'
  local current = call('HGET', all .. 'epochs', name) == next_argument()
  local dropped = tonumber(next_argument())
  for _ = 1, tonumber(next_argument()) do
    local rule, answer, hits = next_argument(), next_argument(), next_argument()
    if current then
      call('HINCRBY', ns .. 'hits', rule, hits)
      touch('hits')
      if tonumber(answer) >= 0 then
        call('SADD', ns .. 'answers', rule .. '\\0' .. answer)
        touch('answers')
      end
    end
  end
  for _ = 1, tonumber(next_argument()) do
    local key, record, size, again = next_argument(), next_argument(), next_argument(), next_argument()
    local old = call('HGET', all .. 'sizes', key)
    if current and old and call('HEXISTS', ns .. 'records', key) == 1 then
      call('HSET', ns .. 'records', key, record)
      call('HSET', all .. 'sizes', key, size)
      count('journal', tonumber(size) - tonumber(old))
    elseif current and again == '0' then
      local order = count('entries', 1)
      call('HSET', ns .. 'records', key, record)
      call('ZADD', ns .. 'order', order, key)
      call('ZADD', all .. 'journal', order, key .. '\\0' .. name)
      call('HSET', all .. 'sizes', key, size)
      count('journal', size)
    end
  end
  if current then
    touch('records')
    touch('order')
    local surplus = call('ZCARD', ns .. 'order') - limit
    if surplus > 0 then
      for _, key in ipairs(call('ZRANGE', ns .. 'order', 0, surplus - 1)) do
        forget(ns, key, key .. '\\0' .. name)
        dropped = dropped + 1
      end
    end
    if dropped > 0 then
      call('HINCRBY', all .. 'dropped', name, dropped)
    end
    call('ZADD', all .. 'used', now, name)
    refresh()
  end
end
while tonumber(call('HGET', all .. 'counters', 'journal') or '0') > memory do
  local member = call('ZRANGE', all .. 'journal', 0, 0)[1]
  if not member then
    break
  end
  local split = string.find(member, '\\0', 1, true)
  local owner = string.sub(member, split + 1)
  forget(base .. owner .. ':', string.sub(member, 1, split - 1), member)
  call('HINCRBY', all .. 'dropped', owner, 1)
end
refresh_store()
return 1
""")

#: The keys, then for each exchange its number and its record, oldest first.
ENTRIES = Script("""
local found = {}
local order = call('ZRANGE', ns .. 'order', 0, -1, 'WITHSCORES')
for at = 1, #order, 2 do
  found[at] = order[at + 1]
  found[at + 1] = call('HGET', ns .. 'records', order[at]) or ''
end
return found
""")

CLEAR_ENTRIES = Script("return clear_journal()")

# Rules and scenarios

#: ARGV: rule, times or "", answer, key or "", claims that are remembered.
CLAIM = Script("""
local rule, times, answer, key = ARGV[4], ARGV[5], tonumber(ARGV[6]), ARGV[7]
local claim = #rule .. ':' .. rule .. key
if key ~= '' then
  local number = call('HGET', ns .. 'claims', claim)
  if number then
    return tonumber(number)
  end
end
if times ~= '' and tonumber(call('HGET', ns .. 'hits', rule) or '0') >= tonumber(times) then
  return false
end
local number = call('HINCRBY', ns .. 'hits', rule, 1) - 1
if number == 0 then
  touch('hits')
end
if answer >= 0 and call('SADD', ns .. 'answers', rule .. '\\0' .. ARGV[6]) == 1 then
  touch('answers')
end
if key ~= '' then
  call('HSET', ns .. 'claims', claim, number)
  call('RPUSH', ns .. 'claimed', claim)
  touch('claims')
  touch('claimed')
  if call('LLEN', ns .. 'claimed') > tonumber(ARGV[8]) then
    call('HDEL', ns .. 'claims', call('LPOP', ns .. 'claimed'))
  end
end
return number
""")

#: ARGV: rule, reply, times.
FAIL = Script("""
local failure = ARGV[4] .. '\\0' .. ARGV[5]
if tonumber(call('HGET', ns .. 'failures', failure) or '0') >= tonumber(ARGV[6]) then
  return 0
end
call('HINCRBY', ns .. 'failures', failure, 1)
touch('failures')
if call('HEXISTS', ns .. 'hits', ARGV[4]) == 1 then
  call('HINCRBY', ns .. 'hits', ARGV[4], -1)
end
return 1
""")

#: ARGV: the rules.
FORGET_RULES = Script("""
local function is_of(pair, prefix)
  return string.sub(pair, 1, #prefix) == prefix and not string.find(string.sub(pair, #prefix + 1), '[^%-%d]')
end
for at = 4, #ARGV do
  local rule = ARGV[at]
  call('HDEL', ns .. 'hits', rule)
  for _, pair in ipairs(call('SMEMBERS', ns .. 'answers')) do
    if is_of(pair, rule .. '\\0') then
      call('SREM', ns .. 'answers', pair)
    end
  end
  for _, pair in ipairs(call('HKEYS', ns .. 'failures')) do
    if is_of(pair, rule .. '\\0') then
      call('HDEL', ns .. 'failures', pair)
    end
  end
  local own = #rule .. ':' .. rule
  for _, claim in ipairs(call('HKEYS', ns .. 'claims')) do
    if string.sub(claim, 1, #own) == own then
      call('HDEL', ns .. 'claims', claim)
      call('LREM', ns .. 'claimed', 0, claim)
    end
  end
end
return 1
""")

#: ARGV: scenarios and states by turns.
SET_SCENARIOS = Script("""
for at = 4, #ARGV, 2 do
  call('HSET', ns .. 'scenarios', ARGV[at], ARGV[at + 1])
end
touch('scenarios')
return 1
""")

#: ARGV: scenario, new state, and the expected and the first state, each behind a "+", or "" for none.
COMPARE_AND_SET = Script("""
local state = call('HGET', ns .. 'scenarios', ARGV[4])
state = state and '+' .. state or ARGV[7]
if state ~= ARGV[6] then
  return 0
end
call('HSET', ns .. 'scenarios', ARGV[4], ARGV[5])
touch('scenarios')
return 1
""")

#: ARGV: the time of the request, the tolerance, the buckets that are kept; of each cost its bucket, amount, limit and seconds.
TAKE = Script("""
local at, tolerance, kept = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local levels, times, enough = {}, {}, true
local costs = (#ARGV - 6) / 4
local function cost(number, field)
  local text = ARGV[6 + 4 * (number - 1) + field]
  return field == 1 and text or tonumber(text)
end
for number = 1, costs do
  local level, last = cost(number, 3), at
  local stored = call('HGET', ns .. 'buckets', cost(number, 1))
  if stored then
    local before
    before, last = string.match(stored, '^(%S+) (%S+)$')
    last = tonumber(last)
    level = math.min(level, tonumber(before) + math.max(0, at - last) * level / cost(number, 4))
  end
  levels[number], times[number] = level, math.max(at, last)
  enough = enough and level >= cost(number, 2) - tolerance
end
local result = {enough and 1 or 0}
for number = 1, costs do
  if enough then
    levels[number] = levels[number] - cost(number, 2)
  end
  local level, limit = levels[number], cost(number, 3)
  local full = times[number] + (limit - level) * cost(number, 4) / limit
  call('HSET', ns .. 'buckets', cost(number, 1), string.format('%.17g %.17g', level, times[number]))
  call('ZADD', ns .. 'full', string.format('%.17g', full), cost(number, 1))
  result[number + 1] = string.format('%.17g', level)
end
-- A full bucket needs no entry.
local gone = call('ZRANGEBYSCORE', ns .. 'full', '-inf', string.format('%.17g', at))
for _, bucket in ipairs(call('ZRANGE', ns .. 'full', 0, -kept - 1)) do
  gone[#gone + 1] = bucket
end
for _, bucket in ipairs(gone) do
  call('HDEL', ns .. 'buckets', bucket)
  call('ZREM', ns .. 'full', bucket)
end
touch('buckets')
touch('full')
return result
""")
