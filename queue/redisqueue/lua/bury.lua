-- Moves messages to the dead letters.
-- KEYS: owner, done, held, waiting, dead, died, then per message: stream.
-- ARGV: token ('' is without a fence), then per message: ID of the pack, bits
--       ('' is the whole entry, which is no pack), how many, the message's ID,
--       when it died, letter.
-- Returns whether the fence held.
if ARGV[1] ~= '' then
  local owner = redis.call('HMGET', KEYS[1], 'owner', 'token')
  if not owner[1] or owner[1] == '' or owner[2] ~= ARGV[1] then return 0 end
end
local function remove(stream, id)
  local n = redis.call('XDEL', stream, id)
  discount(KEYS[4], stream, 0, true)
  return n
end
for i = 0, #KEYS - 7 do
  local stream = KEYS[i + 7]
  local id, bits, n, name, at, letter = unpack(ARGV, 6 * i + 2, 6 * i + 7)
  local there
  if bits == '' then
    there = remove(stream, id)
  else
    there = finish(KEYS[2], KEYS[3], KEYS[4], { { stream, id, bits, tonumber(n) } })[1]
  end
  if there > 0 then
    redis.call('HSET', KEYS[5], name, letter)
    redis.call('ZADD', KEYS[6], at, name)
  end
end
return 1
