-- Reads streams from somewhere on.
-- KEYS: done, held, streams. ARGV: how many messages of a stream will do, then
--       per stream: the ID after which to read.
-- Returns how many messages have failed before, then per stream with entries:
-- its name, whether there may be more, and per entry: ID, fields, what is done.
-- All of it is of one moment: were the bits read after the entries, a pack that
-- was done in between would seem to be done in no part.
local limit = math.min(tonumber(ARGV[1]), 2000)
local anyDone = redis.call('HLEN', KEYS[1]) > 0

local function size(id) return math.min(tonumber(string.match(id, '%d+$')), 512) end

-- more reads on behind the first two entries, as far as it takes if the next are
-- as large as they.
local function more(stream, entries)
  if #entries < 2 then return 0 end
  local have = math.max(size(entries[1][1]) + size(entries[2][1]), 1)
  if have >= limit then return 1 end
  local want = math.ceil(2 * (limit - have) / have) + 1
  local next = redis.call('XRANGE', stream, '(' .. entries[2][1], '+', 'COUNT', want)
  for i = 1, #next do entries[i + 2] = next[i] end
  return #next == want and 1 or 0
end

local function done(stream, entries)
  if not anyDone then return {} end
  local fields = {}
  for i, e in ipairs(entries) do fields[i] = stream .. ':' .. e[1] end
  return redis.call('HMGET', KEYS[1], unpack(fields))
end

local ask = { 'COUNT', 2, 'STREAMS', unpack(KEYS, 3) }
for i = 2, #ARGV do ask[#ask + 1] = ARGV[i] end
local out = { redis.call('HLEN', KEYS[2]) }
for _, found in ipairs(redis.call('XREAD', unpack(ask)) or {}) do
  local stream, entries = found[1], found[2]
  local page = { stream, more(stream, entries) }
  local bits = done(stream, entries)
  for i, e in ipairs(entries) do
    page[3 * i], page[3 * i + 1], page[3 * i + 2] = e[1], e[2], bits[i] or false
  end
  out[#out + 1] = page
end
return out
