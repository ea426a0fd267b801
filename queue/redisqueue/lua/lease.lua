-- Renews the shards of an owner and takes up to so many that are free.
-- KEYS: owners of the shards. ARGV: owner, now, until, how many to take.
-- Returns the number of free shards that were not taken, then per shard held:
-- its place among the keys, token, expiry, unclean count.
-- A server at its maxmemory refuses what takes memory only as long as a script
-- has written nothing: this removes nothing, and who makes room can go on.
redis.call('HDEL', KEYS[1], '')
local now, till, want = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
-- A server that was restarted, or replaced by its replica, may have lost
-- writes since the lease was given. A new token has the owner read all anew.
local info = redis.pcall('INFO', 'server')
local run = type(info) == 'string' and string.match(info, 'run_id:(%x+)') or ''
-- Tokens follow the time, so that none that was lost is given again.
local function after(token) return math.max(token + 1, now) end
local out = { 0 }
for i, key in ipairs(KEYS) do
  local h = redis.call('HMGET', key, 'owner', 'token', 'expires', 'unclean', 'run')
  local owner, token = h[1] or '', tonumber(h[2] or 0)
  local expires, unclean = tonumber(h[3] or 0), tonumber(h[4] or 0)
  local mine = owner == ARGV[1]
  local free = not mine and (owner == '' or expires <= now)
  if free and want <= 0 then
    out[1] = out[1] + 1
  elseif mine or free then
    if free then
      want, token, expires = want - 1, after(token), till
      if owner ~= '' then unclean = unclean + 1 end
    else
      expires = math.max(expires, till)
      if h[5] ~= run then token = after(token) end
    end
    local e = string.format('%d', expires)
    redis.call('HSET', key, 'owner', ARGV[1], 'token', string.format('%d', token), 'expires', e, 'unclean', unclean, 'run', run)
    for _, v in ipairs({ i, token, e, unclean }) do table.insert(out, v) end
  end
end
return out
