-- Put in front of every script. A script touches the keys of one partition only, and reads no payload.

local LOST = {err = 'LEASELOST another worker holds this partition'}

local function held(lease, token)
  return redis.call('GET', lease) == token
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

-- Takes an entry off its environment's list. Its bytes go when no other environment reads this stream.
local function settle(jobs, group, inflight, entry)
  if redis.call('XACK', jobs, group, entry) == 0 then return false end
  redis.call('HDEL', inflight, entry)
  if #redis.call('XINFO', 'GROUPS', jobs) == 1 then redis.call('XDEL', jobs, entry) end
  return true
end
