-- Put in front of every script. A script touches the keys of one partition only, and reads no payload.

local LOST = {err = 'LEASELOST another worker holds this partition'}

local function held(lease, token)
  return redis.call('GET', lease) == token
end

-- How far the replay of an entry has come: state, token of the last start, attempts, crashes. Markers of older releases
-- have no crashes.
local function marker_of(inflight, entry)
  local marker = redis.call('HGET', inflight, entry)
  if not marker then return nil end
  local state, token, made, crashes = string.match(marker, '^(%a+)|([^|]*)|(%d+)|?(%d*)$')
  return {state = state, token = token, made = tonumber(made), crashes = tonumber(crashes) or 0}
end

local function note(inflight, entry, state, token, made, crashes)
  redis.call('HSET', inflight, entry, string.format('%s|%s|%.0f|%.0f', state, token, made, crashes))
end

local function milliseconds()
  local now = redis.call('TIME')
  return now[1] * 1000 + math.floor(now[2] / 1000)
end

-- The fields of one of XINFO's flat replies, by name.
local function fields(flat)
  local named = {}
  for i = 1, #flat, 2 do named[flat[i]] = flat[i + 1] end
  return named
end

-- What XINFO tells of one environment's group; nil when there is none.
local function group_of(jobs, name)
  if redis.call('EXISTS', jobs) == 0 then return nil end
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', jobs)) do
    local named = fields(group)
    if named['name'] == name then return named end
  end
end

-- Takes an entry off its environment's list. Its bytes go when no other environment reads this stream, and nothing is
-- to be kept.
local function settle(jobs, group, inflight, entry, keep)
  if redis.call('XACK', jobs, group, entry) == 0 then return false end
  redis.call('HDEL', inflight, entry)
  if keep == '0' and #redis.call('XINFO', 'GROUPS', jobs) == 1 then redis.call('XDEL', jobs, entry) end
  return true
end

-- Notes that the state of a key on B is not known any more. Beyond so many keys it is that of the whole partition.
local function mark(taint, digest, why, most)
  if redis.call('HEXISTS', taint, digest) == 1 then return end
  if redis.call('HLEN', taint) >= tonumber(most) then digest = '*' end
  redis.call('HSETNX', taint, digest, why .. '|' .. string.format('%.0f', milliseconds()))
end

local function counted(tally, ...)
  local sum = 0
  for _, n in ipairs(redis.call('HMGET', tally, ...)) do sum = sum + (tonumber(n) or 0) end
  return sum
end

-- What an environment has handled, in one way or another.
local function handled(tally)
  return counted(tally, '@before_start', '@settled', '@dead', '@duplicates', '@foreign', '@expired')
end

-- How many entries there are that it has not handled.
local function waiting(jobs, tally)
  local added = fields(redis.call('XINFO', 'STREAM', jobs))['entries-added']
  return counted(tally, '@base') + added - handled(tally)
end

-- Makes the group, and counts what lies before it. From an id onwards that takes several calls of count.lua, so what
-- there is to count is noted down in the same step.
local function begin(jobs, tally, group, position)
  redis.call('XGROUP', 'CREATE', jobs, group, position, 'MKSTREAM')
  local stream = fields(redis.call('XINFO', 'STREAM', jobs))
  local added = stream['entries-added']
  if position == '$' then
    redis.call('HSETNX', tally, '@before_start', added)
  elseif position == '0-0' then
    redis.call('HSETNX', tally, '@before_start', added - stream['length'])
  else
    redis.call('HSET', tally, '@joining', string.format('%.0f|%s|%s', added, position, stream['last-generated-id']))
  end
end
