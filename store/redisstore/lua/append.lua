-- Adds entries to the audit, once per call however often it is sent.
-- KEYS: the call, then as in entries.lua.
-- ARGV: how long calls are remembered (ms), then as in entries.lua.
local fault = faultOfAudit(2)
if fault then return fault end
if not redis.call('SET', KEYS[1], '', 'NX', 'PX', ARGV[1]) then return 1 end
addEntries(2, 2)
return 1
