#!lua flags=allow-oom
-- KEYS lease, inflight  ARGV token, entry, number
-- Takes the start of that number back: nothing was sent. A later one of the same entry stands: this may come late. So does
-- what start.lua has noted of its key; somebody tried, and what comes after that is late.
if not held(KEYS[1], ARGV[1]) then return LOST end
local marker = marker_of(KEYS[2], ARGV[2])
if not marker or marker.state ~= 'started' or marker.token ~= ARGV[1] then return 0 end
if marker.number ~= tonumber(ARGV[3]) then return 0 end
note(KEYS[2], ARGV[2], 'admitted', '', marker.made - 1, marker.crashes, marker.number)
return 1
