-- Reads a part of a stream, or of it what may be of one key.
-- KEYS: done, held, stream. ARGV: the ID after which to read, the last ID, how
--       the messages of the key begin ('' is all), how many will do, how many
--       bytes to look at.
-- Returns how many messages have failed before and how far it came, then like
-- read.lua.
local stream, upto, key, limit, look = KEYS[3], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local page, last, found = { stream, 1 }, ARGV[1], 0

-- count tells how many of the messages of a body may be those of the key.
local function count(id, body)
  if key == '' then return math.max(tonumber(string.match(id, '%d+$')), 1) end
  local n, at = 0, string.find(body, key, 1, true)
  while at do n, at = n + 1, string.find(body, key, at + #key, true) end
  return n
end

local function take(e)
  local n = count(e[1], e[2][2])
  if n > 0 then
    local bits = redis.call('HGET', KEYS[1], stream .. ':' .. e[1])
    page[#page + 1], page[#page + 2], page[#page + 3] = e[1], e[2], bits
  end
  found, look, last = found + n, look - #e[2][2], e[1]
end

local step = 1
while found < limit and look > 0 do
  local entries = redis.call('XRANGE', stream, '(' .. last, upto, 'COUNT', step)
  for _, e in ipairs(entries) do take(e) end
  if #entries < step then
    page[2] = 0
    break
  end
  step = math.min(2 * step, 16)
end
return { redis.call('HLEN', KEYS[2]), last, page }
