-- merge adds the bits of a mask to those stored, before which is how many they
-- are. It returns the bits, how many they are, and how many of them are new.
local function merge(stored, mask, n)
  local a, b = { string.byte(stored, 3, -1) }, { string.byte(mask, 1, -1) }
  for i = 1, math.max(#a, #b) do
    local x, y = a[i] or 0, b[i] or 0
    local both = bit.band(x, y)
    a[i] = x + y - both
    while both > 0 do both, n = bit.band(both, both - 1), n - 1 end
  end
  return string.char(unpack(a)), string.byte(stored, 1) * 256 + string.byte(stored, 2) + n, n
end

-- forget removes what is known of the failures of the messages of packs.
local function forget(held, packs)
  if redis.call('HLEN', held) == 0 then return end
  local names = {}
  for _, p in ipairs(packs) do
    for i = 1, #p[3] do
      local byte = string.byte(p[3], i)
      for place = 0, 7 do
        if bit.band(byte, 2 ^ place) > 0 then names[#names + 1] = p[1] .. ':' .. p[2] .. ':' .. 8 * (i - 1) + place end
      end
    end
  end
  if #names > 0 then redis.call('HDEL', held, unpack(names)) end
end

-- discount notes that fewer messages of a stream wait. Of one that is empty, as
-- it may be after an entry was removed, none do, whatever a stranger wrote.
local function discount(waiting, stream, n, removed)
  if removed and redis.call('XLEN', stream) == 0 then
    redis.call('HDEL', waiting, stream)
  elseif n > 0 then
    redis.call('HINCRBY', waiting, stream, -n)
  end
end

-- finish notes that messages are done, and removes the packs that are done as a
-- whole. A pack is a list of stream, ID, bits, how many; none comes twice.
-- It returns of each pack how many of the messages had not been done.
local function finish(done, held, waiting, packs)
  local fields, fresh, gone, partly, left, removed = {}, {}, {}, {}, {}, {}
  if #packs == 0 then return fresh end
  for i, p in ipairs(packs) do fields[i] = p[1] .. ':' .. p[2] end
  redis.call('HDEL', done, '') -- see lease.lua
  forget(held, packs)
  for i, stored in ipairs(redis.call('HMGET', done, unpack(fields))) do
    local stream, id, bits, n = unpack(packs[i])
    local total = n
    if stored then bits, total, n = merge(stored, bits, n) end
    if total >= tonumber(string.match(id, '%d+$')) then
      if redis.call('XDEL', stream, id) == 0 then n = 0 end
      if stored then gone[#gone + 1] = fields[i] end
      removed[stream] = true
    elseif stored or #redis.call('XRANGE', stream, id, id) > 0 then
      partly[#partly + 1], partly[#partly + 2] = fields[i], string.char(math.floor(total / 256), total % 256) .. bits
    else
      n = 0
    end
    fresh[i], left[stream] = n, (left[stream] or 0) + n
  end
  if #gone > 0 then redis.call('HDEL', done, unpack(gone)) end
  if #partly > 0 then redis.call('HSET', done, unpack(partly)) end
  for stream, n in pairs(left) do discount(waiting, stream, n, removed[stream]) end
  return fresh
end
