#!lua flags=allow-oom
-- KEYS lease, fence, jobs, inflight  ARGV worker, group, milliseconds, most, 1 if it died alone with it, then entries
-- A worker's process has died with these entries in hand. What it died alone with has one crash more, what it died in
-- company with has one at least: it is a suspect. With a suspect the lease passes to the quarantine, else it ends.
-- 1: in quarantine now, 0: not.
local token = redis.call('GET', KEYS[1])
local holder = token and string.match(token, '^(.*):%d+$')
if holder ~= ARGV[1] then return holder == '@quarantine' and 1 or 0 end

-- What was marked under its lease and is not settled has one attempt left, which nobody else's crash shall take: it is
-- tried alone, too. And what was a suspect already, and has not had its turn, stays one.
local suspects, in_hand = 0, {}
for i = 6, #ARGV do in_hand[ARGV[i]] = true end
for _, entry in ipairs(redis.call('HKEYS', KEYS[4])) do
  local marker = marker_of(KEYS[4], entry)
  if marker.state == 'started' and marker.token == token and not in_hand[entry] then
    marker.state, marker.crashes = 'crashed', math.max(marker.crashes, 1)
    note(KEYS[4], entry, 'crashed', '', marker.made, marker.crashes, marker.number)
  end
  local is_suspect = marker.state == 'crashed' and marker.crashes < tonumber(ARGV[4])
  if is_suspect and not in_hand[entry] then suspects = suspects + 1 end
end
for i = 6, #ARGV do
  local entry = ARGV[i]
  if #redis.call('XPENDING', KEYS[3], ARGV[2], entry, entry, 1) > 0 then
    local marker = marker_of(KEYS[4], entry) or {state = 'claimed', made = 0, crashes = 0}
    local crashes = ARGV[5] == '1' and marker.crashes + 1 or math.max(marker.crashes, 1)
    note(KEYS[4], entry, marker.state == 'claimed' and 'claimed' or 'crashed', '', marker.made, crashes, marker.number)
    if crashes < tonumber(ARGV[4]) then suspects = suspects + 1 end
  end
end

local fence = redis.call('INCR', KEYS[2])
if suspects == 0 then
  redis.call('DEL', KEYS[1])
  return 0
end
redis.call('SET', KEYS[1], '@quarantine:' .. string.format('%.0f', fence), 'PX', ARGV[3])
return 1
