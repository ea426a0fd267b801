-- Deletes dead letters. KEYS: dead, died. ARGV: the messages' IDs.
-- Returns how many there were.
local n = 0
for _, id in ipairs(ARGV) do
  n = n + redis.call('HDEL', KEYS[1], id)
  redis.call('ZREM', KEYS[2], id)
end
return n
