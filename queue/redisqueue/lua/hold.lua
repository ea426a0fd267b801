-- Stores what is known of the failures of an entry.
-- KEYS: owner, held, stream. ARGV: token, ID, what is known.
-- Returns whether the fence held.
local owner = redis.call('HMGET', KEYS[1], 'owner', 'token')
if not owner[1] or owner[1] == '' or owner[2] ~= ARGV[1] then return 0 end
if #redis.call('XRANGE', KEYS[3], ARGV[2], ARGV[2]) > 0 then
  redis.call('HDEL', KEYS[2], '') -- see lease.lua
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
end
return 1
