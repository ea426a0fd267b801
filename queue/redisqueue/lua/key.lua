-- Reads the entries of one key.
-- KEYS: index, stream. ARGV: bucket, how the messages of the key begin, after,
-- upto (-1 is no bound), limit, how many entries to look at.
-- Returns how far it came, whether there is more, then per entry: ID, message.
local after, upto, limit, look = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local out, found, last, from = { ARGV[3], 0 }, 0, ARGV[3], 0
local function finish(more) out[1], out[2] = last, more; return out end
while true do
  local counters = redis.call('LRANGE', KEYS[1], from, from + 99)
  for _, counter in ipairs(counters) do
    local n = tonumber(counter)
    if upto >= 0 and n > upto then return finish(0) end
    if n > after then
      if look == 0 then return finish(1) end
      look = look - 1
      local id = counter .. '-' .. ARGV[1]
      local e = redis.call('XRANGE', KEYS[2], id, id)[1]
      local message = e and e[2][2]
      if message and string.sub(message, 1, #ARGV[2]) == ARGV[2] then
        if found == limit then return finish(1) end
        found = found + 1
        out[#out + 1], out[#out + 2] = id, message
      end
      last = counter
    end
  end
  if #counters < 100 then return finish(0) end
  from = from + 100
end
