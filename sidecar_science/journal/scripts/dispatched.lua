#!lua flags=no-writes
-- KEYS lease, dispatched  ARGV token
-- Digests of keys, each followed by when the control of the latest job completed that was started.
if not held(KEYS[1], ARGV[1]) then return LOST end
return redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES')
