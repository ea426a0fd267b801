-- Moves a dead letter back to the end of its key, if it is still the one that
-- the caller read.
-- KEYS: counter, held, waiting, dead, died, stream.
-- ARGV: now, the message's ID, the letter as read, body of a pack, what is
--       known of its failures, channel.
-- Returns how many were moved.
if redis.call('HGET', KEYS[4], ARGV[2]) ~= ARGV[3] then return 0 end
local counter = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), math.floor(tonumber(ARGV[1]) / 64) - 1) + 1
counter = string.format('%d', counter)
local id = redis.call('XADD', KEYS[6], counter .. '-1', 'm', ARGV[4])
redis.call('SET', KEYS[1], counter)
redis.call('HINCRBY', KEYS[3], KEYS[6], 1)
redis.call('HSET', KEYS[2], KEYS[6] .. ':' .. id .. ':0', ARGV[5])
redis.call('HDEL', KEYS[4], ARGV[2])
redis.call('ZREM', KEYS[5], ARGV[2])
redis.call('PUBLISH', ARGV[6], '')
return 1
