#!lua flags=allow-oom
-- KEYS lease, jobs, inflight, tally, taint
-- ARGV token, group, keep, most, then of each settlement: entry, and six lists, each with its number of pairs in front:
--      add (field, n), first (field, text), last (field, text), samples (prefix, blob), heal (digest, ''),
--      taint (digest, why)
-- 1 or 0 of each: settled now, or settled before.
if not held(KEYS[1], ARGV[1]) then return LOST end

local at = 5
local function take()
  at = at + 1
  return ARGV[at - 1]
end
local function pairs_of()
  local list = {}
  for _ = 1, tonumber(take()) do list[#list + 1] = {take(), take()} end
  return list
end

local settlements = {}
while at <= #ARGV do
  settlements[#settlements + 1] = {take(), pairs_of(), pairs_of(), pairs_of(), pairs_of(), pairs_of(), pairs_of()}
end

-- A script has no rollback: what could fail half-way is looked at before the first write.
for _, settlement in ipairs(settlements) do
  for _, pair in ipairs(settlement[2]) do
    local counted = redis.call('HGET', KEYS[4], pair[1])
    if counted and not string.match(counted, '^%-?%d+$') then
      return {err = 'ERR a field of the tally is added to and is no number'}
    end
  end
end

-- Many settlements add to the same few counters: each of those is written once.
local done, counters, sums = {}, {}, {['@settled'] = 0}
for i, settlement in ipairs(settlements) do
  done[i] = 0
  if settle(KEYS[2], ARGV[2], KEYS[3], settlement[1], ARGV[3]) then
    done[i] = 1
    sums['@settled'] = sums['@settled'] + 1
    for _, pair in ipairs(settlement[2]) do
      if not sums[pair[1]] then
        counters[#counters + 1] = pair[1]
        sums[pair[1]] = 0
      end
      sums[pair[1]] = sums[pair[1]] + tonumber(pair[2])
    end
    for _, pair in ipairs(settlement[3]) do redis.call('HSETNX', KEYS[4], pair[1], pair[2]) end
    for _, pair in ipairs(settlement[4]) do redis.call('HSET', KEYS[4], pair[1], pair[2]) end
    for _, pair in ipairs(settlement[5]) do
      local slot = 0
      while slot < 5 and redis.call('HSETNX', KEYS[4], pair[1] .. '|' .. slot, pair[2]) == 0 do
        slot = slot + 1
      end
    end
    for _, pair in ipairs(settlement[6]) do redis.call('HDEL', KEYS[5], pair[1]) end
    for _, pair in ipairs(settlement[7]) do mark(KEYS[5], pair[1], pair[2], ARGV[4]) end
  end
end
if sums['@settled'] > 0 then redis.call('HINCRBY', KEYS[4], '@settled', sums['@settled']) end
for _, counter in ipairs(counters) do redis.call('HINCRBY', KEYS[4], counter, string.format('%.0f', sums[counter])) end
return done
