#!lua flags=allow-oom
-- KEYS lease  ARGV token, milliseconds
if not held(KEYS[1], ARGV[1]) then return LOST end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
