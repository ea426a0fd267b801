-- Appends messages whose IDs are new, those of a stream as one pack.
-- KEYS: counter, IDs of the week before last, of the last, of this and of the
--       next week (another process's clock may be ahead), waiting, streams.
-- ARGV: now, how long an ID counts, channel or '', number of messages, their
--       IDs in the order of the streams, then per stream: how many, body.
-- Returns how many were new.
-- A server at its maxmemory refuses what takes memory only as long as a script
-- has written nothing. So the first write here is that of messages.
local now, memory, n = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])
local counter = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), math.floor(now / 64) - 1) + 1
redis.call('HLEN', KEYS[6]) -- fails before anything is written if it is of another type

local known, old = {}, false
for w = 3, 5 do
  if redis.call('EXISTS', KEYS[w]) == 1 then
    for i, at in ipairs(redis.call('HMGET', KEYS[w], unpack(ARGV, 5, 4 + n))) do
      if at and now - tonumber(at) < memory then known[i], old = true, true end
    end
  end
end

local function uvarint(s, i)
  local value, scale = 0, 1
  repeat
    local b = string.byte(s, i)
    value, scale, i = value + b % 128 * scale, scale * 128, i + 1
  until b < 128
  return value, i
end

-- fresh leaves out what is known of a body, which begins with message first.
local function fresh(body, first, size)
  local out, at = {}, 1
  for i = first, first + size - 1 do
    local _, p = uvarint(body, at)
    local length, q = uvarint(body, p)
    if not known[i] then out[#out + 1] = string.sub(body, at, q + length - 1) end
    at = q + length
  end
  return table.concat(out), #out
end

local function refused(reply, text)
  return type(reply) == 'table' and string.find(reply.err, text or '', 1, true)
end

-- A stream is ahead of the counter when somebody else wrote to it.
local function catchUp(stream)
  local last = redis.call('XINFO', 'STREAM', stream)
  for i = 1, #last, 2 do
    if last[i] == 'last-generated-id' then
      local ahead = tonumber(string.match(last[i + 1], '^%d+'))
      if ahead < 2 ^ 46 - 1e6 then counter = math.max(counter, ahead + 1) end
    end
  end
end

local function add(stream, count, body)
  return redis.pcall('XADD', stream, string.format('%d-%d', counter, count), 'm', body)
end

-- wait notes that more messages of streams wait: a list of stream, how many.
local function wait(counts)
  local streams = {}
  for i = 1, #counts, 2 do streams[#streams + 1] = counts[i] end
  for i, n in ipairs(redis.call('HMGET', KEYS[6], unpack(streams))) do counts[2 * i] = counts[2 * i] + (tonumber(n) or 0) end
  redis.call('HSET', KEYS[6], unpack(counts))
end

local new, counts, failed, first = {}, {}, nil, 1
for s = 7, #KEYS do
  local stream, at = KEYS[s], 4 + n + 2 * (s - 6)
  local size, body = tonumber(ARGV[at - 1]), ARGV[at]
  local count = size
  if old then body, count = fresh(body, first, size) end
  if count > 0 then
    local entry = add(stream, count, body)
    if refused(entry, 'equal or smaller') then
      catchUp(stream)
      entry = add(stream, count, body)
    end
    if refused(entry) then
      failed = entry
      break
    end
    counts[#counts + 1], counts[#counts + 2] = stream, count
    for i = first, first + size - 1 do
      if not known[i] then new[#new + 1], new[#new + 2] = ARGV[4 + i], ARGV[1] end
    end
  end
  first = first + size
end
if #new > 0 then
  redis.call('HSET', KEYS[4], unpack(new))
  wait(counts)
  redis.call('SET', KEYS[1], string.format('%d', counter))
end
redis.call('UNLINK', KEYS[2])
if #new > 0 and ARGV[3] ~= '' then redis.call('PUBLISH', ARGV[3], '') end
return failed or #new / 2
