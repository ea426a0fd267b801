-- Lists the entries of a flow. KEYS: bits of the flow. ARGV: after, limit.
local out, at = {}, tonumber(ARGV[1])
for i = 1, tonumber(ARGV[2]) do
  at = redis.call('BITPOS', KEYS[1], 1, at + 1, -1, 'BIT')
  if at < 0 then break end
  out[i] = at
end
return out
