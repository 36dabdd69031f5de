#!lua flags=allow-oom
-- KEYS lease, fence  ARGV worker, milliseconds, 1 to take what is in quarantine (and nothing else)
-- The new fence; false while another worker holds the lease. A worker that holds it gets a new token, so that
-- whatever it began under the old one can settle nothing. What is in quarantine is held, as far as others can see.
local token = redis.call('GET', KEYS[1])
local holder = token and string.match(token, '^(.*):%d+$')
if ARGV[3] == '1' and not holder then return false end
if holder and holder ~= ARGV[1] and not (ARGV[3] == '1' and holder == '@quarantine') then return false end
local fence = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. string.format('%.0f', fence), 'PX', ARGV[2])
return fence
