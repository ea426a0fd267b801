-- Finds a link by an end. KEYS: ends, links. ARGV: end.
local id = redis.call('HGET', KEYS[1], ARGV[1])
return id and redis.call('HGET', KEYS[2], id)
