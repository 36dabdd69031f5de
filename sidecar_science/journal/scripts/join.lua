#!lua
-- KEYS jobs, tally  ARGV group, position ('0-0', '$' or an id)
-- Makes the group and counts what lies before it. From an id onwards that takes several calls of count.lua, so what
-- there is to count is noted down in the same step.
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], ARGV[2], 'MKSTREAM')
if made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then return made end
if not made.err then
  local stream = fields(redis.call('XINFO', 'STREAM', KEYS[1]))
  local added, last = stream['entries-added'], stream['last-generated-id']
  if ARGV[2] == '$' then
    redis.call('HSETNX', KEYS[2], '@before_start', added)
  elseif ARGV[2] == '0-0' then
    redis.call('HSETNX', KEYS[2], '@before_start', added - stream['length'])
  else
    redis.call('HSET', KEYS[2], '@joining', string.format('%.0f|%s|%s', added, ARGV[2], last))
  end
end
return redis.call('HMGET', KEYS[2], '@before_start', '@joining')
