-- Moves a cursor. KEYS: cursors. ARGV: call, name, from, to.
-- Returns whether the cursor was where the caller believed. A cursor is kept
-- behind the call that moved it, which is as long as all calls are.
local was = redis.call('HGET', KEYS[1], ARGV[2]) or ''
local call, at = string.sub(was, 1, #ARGV[1]), string.sub(was, #ARGV[1] + 1)
if call == ARGV[1] then return 1 end -- sent again because the answer was lost
if at ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[1] .. ARGV[4])
return 1
