#!lua flags=allow-oom
-- KEYS producers  ARGV field of the sum, its value as it was ('' where there was none), as it shall be, then field
-- and value of each that is in it. Nothing happens unless all of them are as they were: somebody else was faster.
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
for i = 4, #ARGV, 2 do
  if redis.call('HGET', KEYS[1], ARGV[i]) ~= ARGV[i + 1] then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
for i = 4, #ARGV, 2 do redis.call('HDEL', KEYS[1], ARGV[i]) end
return 1
