-- Deletes messages of several shards, each behind its fence.
-- KEYS: done, held, waiting, then per fence: owner, and per stream: stream.
-- ARGV: number of fences, then per fence: token, number of streams, and per
--       stream: number of packs, and per pack: ID, bits, how many.
-- Returns per fence whether it held.
local k, a = 3, 0
local function key() k = k + 1; return KEYS[k] end
local function arg() a = a + 1; return ARGV[a] end
local out, packs = {}, {}
for fence = 1, tonumber(arg()) do
  local owner, token = redis.call('HMGET', key(), 'owner', 'token'), arg()
  local holds = owner[1] and owner[1] ~= '' and owner[2] == token
  out[fence] = holds and 1 or 0
  for _ = 1, tonumber(arg()) do
    local stream = key()
    for _ = 1, tonumber(arg()) do
      local id, bits, n = arg(), arg(), tonumber(arg())
      if holds then packs[#packs + 1] = { stream, id, bits, n } end
    end
  end
end
finish(KEYS[1], KEYS[2], KEYS[3], packs)
return out
