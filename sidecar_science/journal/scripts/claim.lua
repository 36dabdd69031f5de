#!lua flags=allow-oom
-- KEYS lease, jobs, inflight, tally  ARGV token, group, consumer, count, cursor, 1 to read new entries
-- Entries above the cursor that were delivered before (to an earlier owner, or in a reply that was lost), else new
-- ones. Reading under the lease's token is what keeps a worker that has lost it from taking entries away.
if not held(KEYS[1], ARGV[1]) then return LOST end

local function read(position)
  local streams =
    redis.call('XREADGROUP', 'GROUP', ARGV[2], ARGV[3], 'COUNT', ARGV[4], 'STREAMS', KEYS[2], position)
  return streams and streams[1][2] or {}
end

local entries = read(ARGV[5])
if #entries == 0 and ARGV[6] == '1' then entries = read('>') end
if #entries == 0 then return {0, ARGV[5], ARGV[6] == '1' and group_of(KEYS[2], ARGV[2])['last-delivered-id'] or '', {}} end

local claimed = {}
for _, entry in ipairs(entries) do
  local id, body = entry[1], entry[2]
  if body then
    local data = #body == 2 and body[1] == 'e' and body[2] or table.concat(body, ' ')
    claimed[#claimed + 1] = {id, data, redis.call('HGET', KEYS[3], id) or ''}
  elseif settle(KEYS[2], ARGV[2], KEYS[3], id) then
    redis.call('HINCRBY', KEYS[4], '@expired', 1)
  end
end
return {milliseconds(), entries[#entries][1], '', claimed}
