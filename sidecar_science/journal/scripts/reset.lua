#!lua flags=allow-oom
-- KEYS jobs, tally, lease, fence, inflight, seen, dead, taint, dispatched  ARGV group, position
-- Begins anew from a position: every lease is void, and nothing is left of what was counted, kept, in hand or tainted.
redis.call('INCR', KEYS[4])
redis.call('DEL', KEYS[2], KEYS[3], KEYS[5], KEYS[6], KEYS[7], KEYS[8], KEYS[9])
if group_of(KEYS[1], ARGV[1]) then redis.call('XGROUP', 'DESTROY', KEYS[1], ARGV[1]) end
begin(KEYS[1], KEYS[2], ARGV[1], ARGV[2])
return redis.call('HMGET', KEYS[2], '@before_start', '@joining')
