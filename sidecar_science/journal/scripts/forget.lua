#!lua flags=allow-oom
-- KEYS seen  ARGV milliseconds
-- Forgets producers of which nothing was admitted for that long.
local oldest, forgotten = milliseconds() - ARGV[1], 0
for producer, seen in pairs(fields(redis.call('HGETALL', KEYS[1]))) do
  if tonumber(string.match(seen, '|(%d+)$')) < oldest then
    forgotten = forgotten + redis.call('HDEL', KEYS[1], producer)
  end
end
return forgotten
