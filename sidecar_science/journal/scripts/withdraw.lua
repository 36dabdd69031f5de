#!lua flags=allow-oom
-- KEYS lease, inflight  ARGV token, entry
-- Takes the last start under this lease back: nothing was sent.
if not held(KEYS[1], ARGV[1]) then return LOST end
local marker = redis.call('HGET', KEYS[2], ARGV[2])
if not marker then return 0 end
local state, token, made = string.match(marker, '^(%a+)|([^|]*)|(%d+)')
if state ~= 'started' or token ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[2], ARGV[2], string.format('admitted||%.0f', tonumber(made) - 1))
return 1
