#!lua flags=allow-oom
-- KEYS seen  ARGV milliseconds, then producers that live
-- Forgets producers of which nothing was admitted for that long, and of which nothing will come.
local living = {}
for i = 2, #ARGV do living[ARGV[i]] = true end
local oldest, forgotten = milliseconds() - ARGV[1], 0
for producer, seen in pairs(fields(redis.call('HGETALL', KEYS[1]))) do
  if not living[producer] and tonumber(string.match(seen, '|(%d+)$')) < oldest then
    forgotten = forgotten + redis.call('HDEL', KEYS[1], producer)
  end
end
return forgotten
