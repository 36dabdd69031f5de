#!lua flags=allow-oom
-- KEYS jobs, tally, lease, fence, inflight, taint  ARGV group, most
-- Gives up what an environment has not handled, and the place in the stream that keeps it from being freed; where that
-- was is noted, for the case that it comes back. How many entries; false when somebody works on the partition.
if redis.call('EXISTS', KEYS[3]) == 1 then return false end
if not group_of(KEYS[1], ARGV[1]) then return 0 end
redis.call('HSETNX', KEYS[2], '@before_start', 0)
local unread = waiting(KEYS[1], KEYS[2])
if unread > 0 then
  redis.call('HINCRBY', KEYS[2], '@expired', unread)
  mark(KEYS[6], '*', 'expired', ARGV[2])
end
redis.call('HSET', KEYS[2], '@left', fields(redis.call('XINFO', 'STREAM', KEYS[1]))['last-generated-id'])
redis.call('INCR', KEYS[4])
redis.call('DEL', KEYS[5])
redis.call('XGROUP', 'DESTROY', KEYS[1], ARGV[1])
return unread
