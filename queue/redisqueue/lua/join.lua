-- Notes that a process is alive and counts all who are.
-- KEYS: members. ARGV: owner, now, until.
-- What removes comes first: a server at its maxmemory refuses what takes memory
-- only as long as a script has written nothing, and nobody could work then.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
redis.call('ZADD', KEYS[1], 'GT', ARGV[3], ARGV[1])
return redis.call('ZCARD', KEYS[1])
