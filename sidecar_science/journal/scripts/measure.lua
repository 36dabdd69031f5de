#!lua flags=no-writes
-- KEYS jobs, tally  ARGV fields of the tally
-- How many entries were ever added, and the fields.
local added = 0
if redis.call('EXISTS', KEYS[1]) == 1 then added = fields(redis.call('XINFO', 'STREAM', KEYS[1]))['entries-added'] end
return {added, redis.call('HMGET', KEYS[2], unpack(ARGV))}
