#!lua flags=allow-oom
-- KEYS lease, jobs, inflight, seen, tally, taint  ARGV token, group, keep, most, then of each: entry,
--      producer, sequence, how many gaps it carries, and their digests
-- A producer ships in order, so a sequence that is not above its highest is one that has been here, and one that jumps
-- tells of entries that are gone: of which keys, nobody knows. The entries that are duplicates, now settled.
if not held(KEYS[1], ARGV[1]) then return LOST end
local now, duplicates = milliseconds(), {}
local i = 5
while i <= #ARGV do
  local entry, producer, sequence, gaps = ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
  local marker = marker_of(KEYS[3], entry)
  if not marker or marker.state == 'claimed' then
    local known = string.match(redis.call('HGET', KEYS[4], producer) or '', '^%d+')
    local highest = tonumber(known or -1)
    if sequence > highest then
      -- Of a producer that is new to an environment, what went before lies before its start.
      local complete = known or redis.call('HGET', KEYS[5], '@before_start') == '0'
      if complete and sequence > math.max(highest, 0) + 1 then mark(KEYS[6], '*', 'lost', ARGV[4]) end
      redis.call('HINCRBY', KEYS[5], '@sequences', string.format('%.0f', sequence - math.max(highest, 0)))
      redis.call('HSET', KEYS[4], producer, string.format('%.0f|%.0f', sequence, now))
      note(KEYS[3], entry, 'admitted', '', 0, marker and marker.crashes or 0)
      for n = i + 4, i + 3 + gaps do mark(KEYS[6], ARGV[n], 'gap', ARGV[4]) end
    else
      duplicates[#duplicates + 1] = entry
      if settle(KEYS[2], ARGV[2], KEYS[3], entry, ARGV[3]) then redis.call('HINCRBY', KEYS[5], '@duplicates', 1) end
    end
  end
  i = i + 4 + gaps
end
return duplicates
