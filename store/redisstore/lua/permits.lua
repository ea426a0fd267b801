-- Hands out permits by the server's clock, which is the same for processes
-- whose own differ.
-- KEYS: taken. ARGV: limit, per, how many, how long to keep them (ms), what the
-- clock shows ('' lets the server look at it).
-- Each item of the list is "time:sum", the sum of all that were ever taken. The
-- first item is the last before the window, so that the difference to the last
-- is what was taken within.
-- Returns how many it gives, and how long until the first in the window falls
-- out.
local taken = KEYS[1]
local limit, per, want, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[5])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local function item(i)
  local text = redis.call('LINDEX', taken, i)
  if not text then return nil end
  local time, sum = string.match(text, '^(%d+):(%d+)$')
  return tonumber(time), tonumber(sum)
end
local function add(time, sum)
  redis.call('RPUSH', taken, string.format('%d:%d', time, sum))
end

local _, before = item(0)
local last, sum = item(-1)
if last and last > now then -- the clock was set back: all of it counts from now
  redis.call('DEL', taken)
  add(0, before)
  if sum > before then add(now, sum) end
end
local second = item(1)
while second and second <= now - per do
  redis.call('LPOP', taken)
  second = item(1)
end
_, before = item(0)
_, sum = item(-1)
if not before then
  before, sum = 0, 0
  add(0, 0)
end
local got = math.max(math.min(want, limit - (sum - before)), 0)
if got > 0 then add(now, sum + got) end
redis.call('PEXPIRE', taken, ARGV[4])
return { got, (item(1) or now) + per - now }
