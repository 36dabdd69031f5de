#!lua flags=allow-oom
-- KEYS lease, jobs, inflight, seen, tally  ARGV token, group, then entry, producer, sequence of each
-- A producer ships in order, so a sequence that is not above its highest is one that has been here. The entries that
-- are duplicates, now settled.
if not held(KEYS[1], ARGV[1]) then return LOST end
local now, duplicates = milliseconds(), {}
for i = 3, #ARGV, 3 do
  local entry, producer, sequence = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if redis.call('HEXISTS', KEYS[3], entry) == 0 then
    local highest = string.match(redis.call('HGET', KEYS[4], producer) or '', '^%d+') or -1
    if tonumber(sequence) > tonumber(highest) then
      redis.call('HSET', KEYS[4], producer, string.format('%s|%.0f', sequence, now))
      redis.call('HSET', KEYS[3], entry, 'admitted||0')
    else
      duplicates[#duplicates + 1] = entry
      if settle(KEYS[2], ARGV[2], KEYS[3], entry) then redis.call('HINCRBY', KEYS[5], '@duplicates', 1) end
    end
  end
end
return duplicates
