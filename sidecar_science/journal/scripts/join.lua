#!lua flags=allow-oom
-- KEYS jobs, tally  ARGV group, position ('0-0', '$' or an id)
-- Makes the group, if there is none, and counts what lies before it. From an id onwards that takes several calls of
-- count.lua, so what there is to count is noted down in the same step.
if not group_of(KEYS[1], ARGV[1]) then
  redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[1], ARGV[2], 'MKSTREAM')
  local stream = fields(redis.call('XINFO', 'STREAM', KEYS[1]))
  local added = stream['entries-added']
  if ARGV[2] == '$' then
    redis.call('HSETNX', KEYS[2], '@before_start', added)
  elseif ARGV[2] == '0-0' then
    redis.call('HSETNX', KEYS[2], '@before_start', added - stream['length'])
  else
    redis.call('HSET', KEYS[2], '@joining',
      string.format('%.0f|%s|%s', added, ARGV[2], stream['last-generated-id']))
  end
end
return redis.call('HMGET', KEYS[2], '@before_start', '@joining')
