-- Appends messages whose IDs are new.
-- KEYS: counter, then per message: remembered ID, stream, index.
-- ARGV: now, how long IDs count, how long they are kept (ms), channel or '',
--       then per message: bucket, message.
local now, memory = tonumber(ARGV[1]), tonumber(ARGV[2])
local seq = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now - 1)
local text = function(n) return string.format('%.0f', n) end
local added = 0

-- A stream may be ahead of the counter: somebody else wrote to it.
local function add(stream, bucket, message)
  seq = seq + 1
  local id = redis.pcall('XADD', stream, text(seq) .. '-' .. bucket, 'm', message)
  if type(id) ~= 'table' or not string.find(id.err, 'equal or smaller', 1, true) then return id end
  local last = redis.call('XINFO', 'STREAM', stream)
  for i = 1, #last, 2 do
    if last[i] == 'last-generated-id' then
      seq = tonumber(string.match(last[i + 1], '^%d+')) + 1
    end
  end
  if seq >= 2 ^ 53 then return id end
  return redis.pcall('XADD', stream, text(seq) .. '-' .. bucket, 'm', message)
end

local failed
for i = 0, (#KEYS - 1) / 3 - 1 do
  local seen, stream, index = KEYS[3 * i + 2], KEYS[3 * i + 3], KEYS[3 * i + 4]
  local before = redis.call('SET', seen, ARGV[1], 'NX', 'GET', 'PX', ARGV[3])
  if not before or now - tonumber(before) >= memory then
    if before then redis.call('SET', seen, ARGV[1], 'PX', ARGV[3]) end
    local id = add(stream, ARGV[2 * i + 5], ARGV[2 * i + 6])
    local pushed = id
    if type(id) ~= 'table' then
      pushed = redis.pcall('RPUSH', index, text(seq))
      if type(pushed) == 'table' then redis.call('XDEL', stream, id) end
    end
    if type(pushed) == 'table' then
      redis.call('DEL', seen)
      failed = pushed
      break
    end
    added = added + 1
  end
end
redis.call('SET', KEYS[1], text(seq))
if added > 0 and ARGV[4] ~= '' then redis.call('PUBLISH', ARGV[4], '') end
return failed or added
