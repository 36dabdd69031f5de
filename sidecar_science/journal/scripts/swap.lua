#!lua flags=allow-oom
-- KEYS hash  ARGV field, value as it was, value
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
