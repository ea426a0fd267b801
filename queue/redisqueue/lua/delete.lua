-- Deletes entries of several shards, each behind its fence.
-- KEYS: held, then per fence: owner, and per stream: stream, and per entry:
--       index.
-- ARGV: number of fences, then per fence: token, number of streams, and per
--       stream: number of entries, their IDs.
-- Returns per fence whether it held.
local k, a = 1, 0
local function key() k = k + 1; return KEYS[k] end
local function arg() a = a + 1; return ARGV[a] end
local anyHeld = redis.call('HLEN', KEYS[1]) > 0
local out = {}
for fence = 1, tonumber(arg()) do
  local owner, token = redis.call('HMGET', key(), 'owner', 'token'), arg()
  local holds = owner[1] and owner[1] ~= '' and owner[2] == token
  out[fence] = holds and 1 or 0
  for _ = 1, tonumber(arg()) do
    local stream, ids = key(), {}
    for i = 1, tonumber(arg()) do
      local index = key()
      ids[i] = arg()
      if holds then redis.call('LREM', index, 1, string.match(ids[i], '^%d+')) end
    end
    if holds then
      redis.call('XDEL', stream, unpack(ids))
      if anyHeld then redis.call('HDEL', KEYS[1], unpack(ids)) end
    end
  end
end
return out
