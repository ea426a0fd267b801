-- Replaces a link, and with it its base and the intent, and adds entries.
-- KEYS: states, links, bases, ends, IDs, open intents, then as in entries.lua.
-- ARGV: call, now, ID, generation, the caller's intent, the new intent ('' is
--       none), when that expires, link, its place among the IDs, left end,
--       right end ('' is none), what becomes of the base (keep, set, forget),
--       base, the head that the caller follows, the new head ('' is none),
--       then as in entries.lua.
-- Returns whether the link was as the caller believed.
local states, links, bases, ends, ids, open = unpack(KEYS, 1, 6)
local call, now, id, generation = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local own, intent, expires, link, member = unpack(ARGV, 5, 9)
local sides = { ARGV[10], ARGV[11] }

local was = redis.call('HGET', states, id)
was = was and cmsgpack.unpack(was)
if was and was.call == call then return 1 end -- sent again because the answer was lost
if was and was.intent ~= '' and was.expires > now and was.intent ~= own then return 0 end
if (was and was.generation or 0) ~= generation then return 0 end
-- A server that lost the end of its log gives a generation for the second time.
if was and (was.head or '') ~= '' and was.head ~= ARGV[14] then return 0 end
for _, e in ipairs(sides) do
  local holder = e ~= '' and redis.call('HGET', ends, e)
  if holder and holder ~= id then return 0 end
end

-- A key of the wrong type fails here, before anything is changed.
redis.call('HEXISTS', links, id)
redis.call('HEXISTS', bases, id)
redis.call('ZCARD', ids)
redis.call('ZCARD', open)
local fault = faultOfAudit(7)
if fault then return fault end

if was then
  for _, e in ipairs(was.ends) do
    if e ~= '' then redis.call('HDEL', ends, e) end
  end
  if was.member ~= member then redis.call('ZREM', ids, was.member) end
end
for _, e in ipairs(sides) do
  if e ~= '' then redis.call('HSET', ends, e, id) end
end
redis.call('ZADD', ids, 0, member)
redis.call('HSET', links, id, link)
redis.call('HSET', states, id, cmsgpack.pack({ call = call, generation = generation + 1,
  intent = intent, expires = tonumber(expires), member = member, ends = sides, head = ARGV[15] }))
if intent ~= '' then
  redis.call('ZADD', open, expires, id)
else
  redis.call('ZREM', open, id)
end
if ARGV[12] == 'set' then redis.call('HSET', bases, id, ARGV[13]) end
if ARGV[12] == 'forget' then redis.call('HDEL', bases, id) end
addEntries(7, 16)
return 1
