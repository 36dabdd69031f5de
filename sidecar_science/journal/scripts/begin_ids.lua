#!lua flags=allow-oom
-- KEYS pairs, counts  ARGV epoch
-- Other data, or another deploy: no pair holds any more. Once, however many workers begin.
if redis.call('HGET', KEYS[2], '@epoch') == ARGV[1] then return 0 end
redis.call('DEL', KEYS[1], KEYS[2])
return redis.call('HSET', KEYS[2], '@epoch', ARGV[1])
