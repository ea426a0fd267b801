-- Deletes entries of several shards, each behind its fence.
-- KEYS: held, then per fence: owner, and per entry: stream, index.
-- ARGV: number of fences, then per fence: token, number of entries, and per
--       entry: its ID.
-- Returns per fence whether it held.
local k, a = 1, 0
local function key() k = k + 1; return KEYS[k] end
local function arg() a = a + 1; return ARGV[a] end
local anyHeld = redis.call('HLEN', KEYS[1]) > 0
local out = {}
for fence = 1, tonumber(arg()) do
  local owner = redis.call('HMGET', key(), 'owner', 'token')
  local token, n = arg(), tonumber(arg())
  local holds = owner[1] and owner[1] ~= '' and owner[2] == token
  out[fence] = holds and 1 or 0
  for _ = 1, n do
    local stream, index, id = key(), key(), arg()
    if holds and redis.call('XDEL', stream, id) == 1 then
      redis.call('LREM', index, 1, string.match(id, '^%d+'))
      if anyHeld then redis.call('HDEL', KEYS[1], id) end
    end
  end
end
return out
