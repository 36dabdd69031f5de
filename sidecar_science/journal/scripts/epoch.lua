#!lua flags=allow-oom
-- KEYS taint, dispatched  ARGV epoch
-- Other data, or another deploy: what was not known of the old one counts no more. Once, however many workers join.
if redis.call('HGET', KEYS[1], '@epoch') == ARGV[1] then return 0 end
redis.call('DEL', KEYS[1], KEYS[2])
return redis.call('HSET', KEYS[1], '@epoch', ARGV[1])
