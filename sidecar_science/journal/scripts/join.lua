#!lua flags=allow-oom
-- KEYS jobs, tally, inflight, taint  ARGV group, position ('0-0', '$' or an id), most
-- Makes the group, if there is none: a new one, one that had expired and goes on behind what expired, or one that
-- somebody has deleted, alone or with its stream.

-- What is in the stream now is all to be read, and what was in hand and is gone has expired. The producers' sequences
-- tell later how much went unread: from here on they are held against what is known of them now.
local function mend()
  for _, entry in ipairs(redis.call('HKEYS', KEYS[3])) do
    if #redis.call('XRANGE', KEYS[1], entry, entry) == 0 then
      redis.call('HDEL', KEYS[3], entry)
      redis.call('HINCRBY', KEYS[2], '@expired', 1)
    end
  end
  local outside = counted(KEYS[2], '@duplicates', '@foreign')
  local known = handled(KEYS[2]) - outside + redis.call('HLEN', KEYS[3])
  local before = counted(KEYS[2], '@sequences', '@unseen') - known
  if before > 0 then redis.call('HINCRBY', KEYS[2], '@lost', before) end
  local stream = fields(redis.call('XINFO', 'STREAM', KEYS[1]))
  -- Of what expired unread a later sequence may tell: taken as untold, it would count twice. The other way round, what
  -- the producers say they have recorded makes up for it.
  local unseen = known - counted(KEYS[2], '@expired', '@sequences')
  redis.call('HSET', KEYS[2], '@unseen', math.min(unseen, counted(KEYS[2], '@before_start')))
  redis.call('HSET', KEYS[2], '@base', stream['length'] - stream['entries-added'] + handled(KEYS[2]))
  mark(KEYS[4], '*', 'lost', ARGV[3])
end

if not group_of(KEYS[1], ARGV[1]) then
  local left = redis.call('HGET', KEYS[2], '@left')
  if left then
    redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[1], left, 'MKSTREAM')
    redis.call('HDEL', KEYS[2], '@left')
  elseif redis.call('HEXISTS', KEYS[2], '@before_start') == 1 then
    redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0-0', 'MKSTREAM')
    mend()
  else
    begin(KEYS[1], KEYS[2], ARGV[1], ARGV[2])
  end
end
return redis.call('HMGET', KEYS[2], '@before_start', '@joining')
