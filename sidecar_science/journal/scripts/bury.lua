#!lua flags=allow-oom
-- KEYS lease, jobs, inflight, tally, dead  ARGV token, group, entry, counter, reason, job, size, data, cap
if not held(KEYS[1], ARGV[1]) then return LOST end
if not settle(KEYS[2], ARGV[2], KEYS[3], ARGV[3]) then return 0 end
redis.call('HINCRBY', KEYS[4], ARGV[4], 1)
redis.call('XADD', KEYS[5], '*', 'id', ARGV[3], 'reason', ARGV[5], 'job', ARGV[6],
  'at', string.format('%.0f', milliseconds()), 'size', ARGV[7], 'e', ARGV[8])
local over = redis.call('XLEN', KEYS[5]) - ARGV[9]
if over > 0 then
  for _, letter in ipairs(redis.call('XRANGE', KEYS[5], '-', '+', 'COUNT', over)) do
    redis.call('XDEL', KEYS[5], letter[1])
  end
end
return 1
