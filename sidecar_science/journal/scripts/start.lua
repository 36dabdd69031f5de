#!lua flags=allow-oom
-- KEYS lease, inflight  ARGV token, entry, limit, after
-- {1, attempt}: send it. {0, attempts}: do not, since it may have been sent as often as it may be.
if not held(KEYS[1], ARGV[1]) then return LOST end
local marker = marker_of(KEYS[2], ARGV[2])
if not marker or marker.state == 'claimed' then return {0, 0} end
local made = marker.made
if marker.token == ARGV[1] and made > tonumber(ARGV[4]) then return {1, made} end
if made >= tonumber(ARGV[3]) then return {0, made} end
note(KEYS[2], ARGV[2], 'started', ARGV[1], made + 1, marker.crashes)
return {1, made + 1}
