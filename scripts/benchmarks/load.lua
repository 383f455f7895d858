-- wrk's side: sends the requests of a file in turn and prints what it counted as one line of JSON.
--   wrk ... URL -- FILE KEY PATTERN [HEADER VALUE]
-- The text ######## in a request becomes a number that no other request has.
-- With a PATTERN other than "-" every answer's status and body is looked at, which costs wrk time: runs that are timed go without, and
-- are watched from outside instead.

local requests, at, number = {}, 0, 0
wrong = 0
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  local headers = { ["content-type"] = "application/json", ["authorization"] = "Bearer " .. args[2] }
  if args[4] then
    headers[args[4]] = args[5]
  end
  for body in io.lines(args[1]) do
    local whole = wrk.format("POST", nil, headers, body)
    local place = whole:find("########", 1, true)
    requests[#requests + 1] = place and { whole:sub(1, place - 1), whole:sub(place + 8) } or whole
  end
  if args[3] ~= "-" then
    response = function(status, _, body)
      if status ~= 200 or not body:find(args[3]) then
        wrong = wrong + 1
      end
    end
  end
end

function request()
  at = at % #requests + 1
  local chosen = requests[at]
  if type(chosen) == "string" then
    return chosen
  end
  number = number + 1
  return chosen[1] .. string.format("%08d", number) .. chosen[2]
end

function done(summary, latency)
  local wrongs = 0
  for _, thread in ipairs(threads) do
    wrongs = wrongs + thread:get("wrong")
  end
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests": %d, "micros": %d, "bytes": %d, "refused": %d, "broken": %d, "status": %d, "wrong": %d, "p50": %f, "p99": %f}\n',
    summary.requests, summary.duration, summary.bytes, errors.connect, errors.read + errors.write, errors.status, wrongs,
    latency:percentile(50), latency:percentile(99)))
end
