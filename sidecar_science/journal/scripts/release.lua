#!lua flags=allow-oom
-- KEYS lease  ARGV token
if not held(KEYS[1], ARGV[1]) then return 0 end
return redis.call('DEL', KEYS[1])
