-- Hands out permits. KEYS: taken. ARGV: now, limit, per, how many, when they
-- count as taken, how long to keep them (ms).
-- Each item of the list is "time:sum", the sum of all that were ever taken. The
-- first item is the last before the window, so that the difference to the last
-- is what was taken within.
-- Returns how many it gives, and when the first in the window falls out.
local now, limit, per, want = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local function item(i)
  local text = redis.call('LINDEX', KEYS[1], i)
  if not text then return nil end
  local time, sum = string.match(text, '^(%d+):(%d+)$')
  return tonumber(time), tonumber(sum)
end
local second = item(1)
while second and second <= now - per do
  redis.call('LPOP', KEYS[1])
  second = item(1)
end
local _, before = item(0)
local _, sum = item(-1)
if not before then
  before, sum = 0, 0
  redis.call('RPUSH', KEYS[1], '0:0')
end
local got = math.max(math.min(want, limit - (sum - before)), 0)
if got > 0 then
  redis.call('RPUSH', KEYS[1], string.format('%s:%d', ARGV[5], sum + got))
end
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return { got, string.format('%d', (item(1) or now) + per) }
