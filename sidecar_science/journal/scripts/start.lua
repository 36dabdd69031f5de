#!lua flags=allow-oom
-- KEYS lease, inflight  ARGV token, entry, limit, after
-- {1, attempt}: send it. {0, attempts}: do not, since it may have been sent as often as it may be.
if not held(KEYS[1], ARGV[1]) then return LOST end
local marker = redis.call('HGET', KEYS[2], ARGV[2])
if not marker then return {0, 0} end
local token, made = string.match(marker, '^%a+|([^|]*)|(%d+)')
made = tonumber(made)
if token == ARGV[1] and made > tonumber(ARGV[4]) then return {1, made} end
if made >= tonumber(ARGV[3]) then return {0, made} end
redis.call('HSET', KEYS[2], ARGV[2], string.format('started|%s|%.0f', ARGV[1], made + 1))
return {1, made + 1}
