-- Appends messages whose IDs are new.
-- KEYS: counter, IDs of the week before last, of the last, of this and of the
--       next week (another process's clock may be ahead), then per message:
--       stream, index.
-- ARGV: now, how long an ID counts, channel or '', then per message: ID,
--       bucket, message.
-- Returns how many were new.
-- A server at its maxmemory refuses what takes memory only as long as a script
-- has written nothing. So the first write here is that of a message.
local now, memory = tonumber(ARGV[1]), tonumber(ARGV[2])
local seq = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now - 1)
local counter, added, wrote, failed = nil, 0, false, nil

local n = (#KEYS - 5) / 2
local ids, known, new = {}, {}, {}
for i = 1, n do ids[i] = ARGV[3 * i + 1] end
for w = 3, 5 do
  if n > 0 and redis.call('EXISTS', KEYS[w]) == 1 then
    for i, at in ipairs(redis.call('HMGET', KEYS[w], unpack(ids))) do
      if at and now - tonumber(at) < memory then known[ids[i]] = true end
    end
  end
end

local function add(stream, bucket, message)
  seq = seq + 1
  counter = string.format('%d', seq)
  return redis.pcall('XADD', stream, counter .. '-' .. bucket, 'm', message)
end

-- A stream is ahead of the counter when somebody else wrote to it.
local function catchUp(stream)
  local last = redis.call('XINFO', 'STREAM', stream)
  for i = 1, #last, 2 do
    if last[i] == 'last-generated-id' then
      local ahead = tonumber(string.match(last[i + 1], '^%d+'))
      if ahead < 2 ^ 53 - 1e9 then seq = math.max(seq, ahead) end
    end
  end
end

local function refused(reply, text)
  return type(reply) == 'table' and string.find(reply.err, text or '', 1, true)
end

for i = 1, n do
  local stream, index, id = KEYS[2 * i + 4], KEYS[2 * i + 5], ids[i]
  if not known[id] then
    local bucket, message = ARGV[3 * i + 2], ARGV[3 * i + 3]
    local entry = add(stream, bucket, message)
    if refused(entry, 'equal or smaller') then
      catchUp(stream)
      entry = add(stream, bucket, message)
    end
    wrote = wrote or not refused(entry)
    local indexed = refused(entry) and entry or redis.pcall('RPUSH', index, counter)
    if refused(indexed) then
      if not refused(entry) then redis.call('XDEL', stream, entry) end
      failed = indexed
      break
    end
    known[id], added = true, added + 1
    new[2 * added - 1], new[2 * added] = id, ARGV[1]
  end
end
if added > 0 then redis.call('HSET', KEYS[4], unpack(new)) end
if wrote then redis.call('SET', KEYS[1], string.format('%d', seq)) end
redis.call('UNLINK', KEYS[2])
if added > 0 and ARGV[3] ~= '' then redis.call('PUBLISH', ARGV[3], '') end
return failed or added
