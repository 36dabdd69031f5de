#!lua flags=allow-oom
-- KEYS hash  ARGV field, value
-- HSETNX, also in a full server: 1 if the field is new.
return redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
