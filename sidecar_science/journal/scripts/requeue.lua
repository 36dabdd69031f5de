#!lua flags=allow-oom
-- KEYS jobs, inflight, tally, dead  ARGV group, letter
-- Appends a dead letter again, for this environment alone, as an entry that has been admitted: its sequence has been
-- here before. 1: done, 0: there is no such letter, or not all of its bytes were kept.
local letter = redis.call('XRANGE', KEYS[4], ARGV[2], ARGV[2])[1]
if not letter then return 0 end
local body = fields(letter[2])
if #body['e'] ~= tonumber(body['size']) or not group_of(KEYS[1], ARGV[1]) then return 0 end
local entry = redis.call('XADD', KEYS[1], '*', 'e', body['e'], 'to', ARGV[1])
note(KEYS[2], entry, 'admitted', '', 0, 0)
redis.call('HINCRBY', KEYS[3], '@base', -1)
redis.call('HINCRBY', KEYS[3], body['counter'] or '@dead', -1)
return redis.call('XDEL', KEYS[4], ARGV[2])
