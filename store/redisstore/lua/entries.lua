-- Adds entries to the audit, those with a known key left out. It comes before
-- the scripts that need it.
-- KEYS from k on: audit, known keys, counter, then per entry: its indexes by
--       link and record, and the bits of its flow.
-- ARGV from a on: number of entries, then per entry: key, text, number of
--       indexes, number of flows.
local function faultOfAudit(k)
  for _, read in ipairs({ { 'XLEN', KEYS[k] }, { 'SCARD', KEYS[k + 1] }, { 'GET', KEYS[k + 2] } }) do
    local reply = redis.pcall(unpack(read))
    if type(reply) == 'table' then return reply end
    if read[1] == 'GET' and reply and not tonumber(reply) then
      return redis.error_reply('WRONGTYPE the counter is not a number')
    end
  end
end

local function addEntries(k, a)
  local audit, known, counter = KEYS[k], KEYS[k + 1], KEYS[k + 2]
  local seq = tonumber(redis.call('GET', counter) or 0)
  local n = tonumber(ARGV[a])
  k, a = k + 3, a + 1
  for _ = 1, n do
    local key, indexes, flows = ARGV[a], tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3])
    if key == '' or redis.call('SADD', known, key) == 1 then
      seq = seq + 1
      redis.call('XADD', audit, string.format('%d-0', seq), 'e', ARGV[a + 1])
      for i = k, k + indexes - 1 do redis.call('ZADD', KEYS[i], seq, seq) end
      for i = k + indexes, k + indexes + flows - 1 do redis.call('SETBIT', KEYS[i], seq, 1) end
    end
    k, a = k + indexes + flows, a + 4
  end
  if n > 0 then redis.call('SET', counter, string.format('%d', seq)) end
end
