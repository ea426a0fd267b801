-- Moves entries to the dead letters.
-- KEYS: owner, held, dead, died, then per entry: stream, index.
-- ARGV: token ('' is without a fence), then per entry: ID, the message's ID,
--       when it died, letter.
-- Returns whether the fence held.
if ARGV[1] ~= '' then
  local owner = redis.call('HMGET', KEYS[1], 'owner', 'token')
  if not owner[1] or owner[1] == '' or owner[2] ~= ARGV[1] then return 0 end
end
for i = 0, (#KEYS - 4) / 2 - 1 do
  local stream, index = KEYS[2 * i + 5], KEYS[2 * i + 6]
  local id, name, at, letter = ARGV[4 * i + 2], ARGV[4 * i + 3], ARGV[4 * i + 4], ARGV[4 * i + 5]
  if redis.call('XDEL', stream, id) == 1 then
    redis.call('LREM', index, 1, string.match(id, '^%d+'))
    redis.call('HDEL', KEYS[2], id)
    redis.call('HSET', KEYS[3], name, letter)
    redis.call('ZADD', KEYS[4], at, name)
  end
end
return 1
