#!lua flags=no-writes
-- KEYS jobs  ARGV from, to, limit
-- How many entries there are, at most limit, and the last of them. Their bytes stay in the server.
local entries = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[2], 'COUNT', ARGV[3])
return {#entries, #entries > 0 and entries[#entries][1] or ''}
