#!lua flags=no-writes
-- KEYS lease, taint  ARGV token, then digests (none: all of them)
if not held(KEYS[1], ARGV[1]) then return LOST end
if #ARGV == 1 then return redis.call('HGETALL', KEYS[2]) end
local found = {}
for i = 2, #ARGV do
  local why = redis.call('HGET', KEYS[2], ARGV[i])
  if why then
    found[#found + 1] = ARGV[i]
    found[#found + 1] = why
  end
end
return found
