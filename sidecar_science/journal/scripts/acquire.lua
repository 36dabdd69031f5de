#!lua flags=allow-oom
-- KEYS lease, fence  ARGV worker, milliseconds
-- The new fence; false while another worker holds the lease. A worker that holds it gets a new token, so that
-- whatever it began under the old one can settle nothing.
local token = redis.call('GET', KEYS[1])
if token and string.match(token, '^(.*):%d+$') ~= ARGV[1] then return false end
local fence = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. string.format('%.0f', fence), 'PX', ARGV[2])
return fence
