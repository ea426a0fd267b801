-- Adds entries to the audit, once per call however often it is sent.
-- KEYS: the call, then as in entries.lua.
-- ARGV: how long calls are remembered (ms), then as in entries.lua.
if not redis.call('SET', KEYS[1], '', 'NX', 'PX', ARGV[1]) then return 1 end
local added = redis.pcall('XLEN', KEYS[2])
if type(added) == 'table' then
  redis.call('DEL', KEYS[1])
  return added
end
addEntries(2, 2)
return 1
