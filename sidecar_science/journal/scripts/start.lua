#!lua flags=allow-oom
-- KEYS lease, inflight, dispatched
-- ARGV token, entry, limit, after, digest of its key, when its control completed, how many keys are remembered, and for
--      how many milliseconds
-- {1, attempt, number}: send it. {0, attempts, 0}: do not, since it may have been sent as often as it may be.
if not held(KEYS[1], ARGV[1]) then return LOST end
local marker = marker_of(KEYS[2], ARGV[2])
if not marker or marker.state == 'claimed' then return {0, 0, 0} end
if marker.token == ARGV[1] and marker.made > tonumber(ARGV[4]) then return {1, marker.made, marker.number} end
if marker.made >= tonumber(ARGV[3]) then return {0, marker.made, 0} end
local made, number = marker.made + 1, marker.number + 1
note(KEYS[2], ARGV[2], 'started', ARGV[1], made, marker.crashes, number)
if ARGV[5] ~= '' then
  -- Whoever owns the partition next has to know what may not run behind it any more. The oldest are forgotten first, and
  -- all of them when nothing has been dispatched for long.
  redis.call('ZADD', KEYS[3], 'GT', ARGV[6], ARGV[5])
  redis.call('ZREMRANGEBYRANK', KEYS[3], 0, -1 - tonumber(ARGV[7]))
  redis.call('PEXPIRE', KEYS[3], ARGV[8])
end
return {1, made, number}
