-- Stores what is known of the failures of a message.
-- KEYS: owner, done, held, stream. ARGV: token, ID of the pack, place, what is
--       known.
-- Returns whether the fence held.
local owner = redis.call('HMGET', KEYS[1], 'owner', 'token')
if not owner[1] or owner[1] == '' or owner[2] ~= ARGV[1] then return 0 end
local pack, place = KEYS[4] .. ':' .. ARGV[2], tonumber(ARGV[3])
local bits = redis.call('HGET', KEYS[2], pack)
local waits
if bits then
  local byte = string.byte(bits, 3 + math.floor(place / 8)) or 0
  waits = bit.band(byte, 2 ^ (place % 8)) == 0
else
  waits = #redis.call('XRANGE', KEYS[4], ARGV[2], ARGV[2]) > 0
end
if waits then
  redis.call('HDEL', KEYS[3], '') -- see lease.lua
  redis.call('HSET', KEYS[3], pack .. ':' .. ARGV[3], ARGV[4])
end
return 1
