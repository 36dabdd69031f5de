#!lua flags=allow-oom
-- KEYS jobs  ARGV milliseconds for which everything is kept
-- Frees what every environment has settled: everything below the lowest entry that one of them has yet to read or to
-- settle, and that is old enough. Ids are compared as text of digits, since their second half can go beyond what a number here holds.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end

local function less(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end

local function below(a, b)
  local a_time, a_sequence = string.match(a, '^(%d+)-(%d+)$')
  local b_time, b_sequence = string.match(b, '^(%d+)-(%d+)$')
  if a_time ~= b_time then return less(a_time, b_time) end
  return less(a_sequence, b_sequence)
end

local lowest, reached
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local named = fields(group)
  local needed, read = named['last-delivered-id'], true
  if named['pending'] > 0 then
    needed, read = redis.call('XPENDING', KEYS[1], named['name'])[2], false
  end
  if not lowest or below(needed, lowest) or (needed == lowest and not read) then
    lowest, reached = needed, read
  end
end
if not lowest then return 0 end
if ARGV[1] ~= '0' then
  local kept = string.format('%.0f-0', milliseconds() - ARGV[1])
  if below(kept, lowest) then lowest, reached = kept, false end
end

local gone = redis.call('XTRIM', KEYS[1], 'MINID', '=', lowest)
-- The last entry that all have read and settled is below what is needed next, and XTRIM has kept it.
if reached then gone = gone + redis.call('XDEL', KEYS[1], lowest) end
return gone
