#!lua flags=allow-oom
-- KEYS pairs, counts  ARGV limit, then for each pair: kind, field of A's id, A's id, field of B's id, B's id
-- Gives the numbers of those that contradict a known pair. What is known never changes.
local refused = {}
local number = 0
for i = 2, #ARGV, 5 do
  number = number + 1
  local kind, there, a, back, b = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local known = redis.call('HGET', KEYS[1], there)
  if known ~= b then
    if known or redis.call('HEXISTS', KEYS[1], back) == 1 then
      refused[#refused + 1] = number
      redis.call('HINCRBY', KEYS[2], 'conflicts|' .. kind, 1)
    elseif redis.call('HLEN', KEYS[1]) >= 2 * tonumber(ARGV[1]) then
      redis.call('HINCRBY', KEYS[2], 'full|' .. kind, 1)
    else
      redis.call('HSET', KEYS[1], there, b, back, a)
      redis.call('HINCRBY', KEYS[2], 'learned|' .. kind, 1)
    end
  end
end
return refused
