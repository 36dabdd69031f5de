#!lua flags=allow-oom
-- KEYS lease, inflight  ARGV token, entry
-- Takes the last start under this lease back: nothing was sent.
if not held(KEYS[1], ARGV[1]) then return LOST end
local marker = marker_of(KEYS[2], ARGV[2])
if not marker or marker.state ~= 'started' or marker.token ~= ARGV[1] then return 0 end
note(KEYS[2], ARGV[2], 'admitted', '', marker.made - 1, marker.crashes)
return 1
