#!lua flags=allow-oom
-- KEYS hash  ARGV field, value
-- HSET, which a full server refuses: its workers must be able to join, to beat and to be switched off.
return redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
