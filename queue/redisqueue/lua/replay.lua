-- Moves a dead letter back to the end of its key, if it is still the one that
-- the caller read.
-- KEYS: counter, held, dead, died, stream, index.
-- ARGV: now, the message's ID, the letter as read, bucket, message, what is
--       known of its failures, channel.
-- Returns how many were moved.
if redis.call('HGET', KEYS[3], ARGV[2]) ~= ARGV[3] then return 0 end
local seq = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), tonumber(ARGV[1]) - 1) + 1
local counter = string.format('%d', seq)
local id = redis.call('XADD', KEYS[5], counter .. '-' .. ARGV[4], 'm', ARGV[5])
redis.call('SET', KEYS[1], counter)
redis.call('RPUSH', KEYS[6], counter)
redis.call('HSET', KEYS[2], id, ARGV[6])
redis.call('HDEL', KEYS[3], ARGV[2])
redis.call('ZREM', KEYS[4], ARGV[2])
redis.call('PUBLISH', ARGV[7], '')
return 1
