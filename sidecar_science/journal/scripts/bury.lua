#!lua flags=allow-oom
-- KEYS lease, jobs, inflight, tally, dead, taint
-- ARGV token, group, keep, most, entry, counter, reason, job, size, data, cap, then digest and why of each key tainted
if not held(KEYS[1], ARGV[1]) then return LOST end
if not settle(KEYS[2], ARGV[2], KEYS[3], ARGV[5], ARGV[3]) then return 0 end
redis.call('HINCRBY', KEYS[4], ARGV[6], 1)
redis.call('XADD', KEYS[5], '*', 'id', ARGV[5], 'reason', ARGV[7], 'job', ARGV[8],
  'at', string.format('%.0f', milliseconds()), 'size', ARGV[9], 'e', ARGV[10], 'counter', ARGV[6])
for i = 12, #ARGV, 2 do mark(KEYS[6], ARGV[i], ARGV[i + 1], ARGV[4]) end
local over = redis.call('XLEN', KEYS[5]) - ARGV[11]
if over > 0 then
  for _, letter in ipairs(redis.call('XRANGE', KEYS[5], '-', '+', 'COUNT', over)) do
    redis.call('XDEL', KEYS[5], letter[1])
  end
end
return 1
