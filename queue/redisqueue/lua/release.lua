-- Gives shards back. KEYS: owners of the shards. ARGV: per shard: token,
-- whether it is clean.
redis.call('HDEL', KEYS[1], '') -- see lease.lua
for i, key in ipairs(KEYS) do
  local owner = redis.call('HMGET', key, 'owner', 'token')
  if owner[1] and owner[1] ~= '' and owner[2] == ARGV[2 * i - 1] then
    redis.call('HSET', key, 'owner', '', 'expires', 0)
    redis.call('HINCRBY', key, 'token', 1)
    if ARGV[2 * i] == '1' then redis.call('HSET', key, 'unclean', 0) end
  end
end
return 1
