#!lua flags=allow-oom
-- KEYS lease, jobs, inflight, tally, taint
-- ARGV token, group, keep, most, consumer, count, cursor, 1 to read new entries
-- Entries above the cursor that were delivered before (to an earlier owner, or in a reply that was lost), else new
-- ones. Reading under the lease's token is what keeps a worker that has lost it from taking entries away.
if not held(KEYS[1], ARGV[1]) then return LOST end

local function read(position)
  local streams =
    redis.call('XREADGROUP', 'GROUP', ARGV[2], ARGV[5], 'COUNT', ARGV[6], 'STREAMS', KEYS[2], position)
  return streams and streams[1][2] or {}
end

local function expire(n)
  redis.call('HINCRBY', KEYS[4], '@expired', n)
  mark(KEYS[5], '*', 'expired', ARGV[4])
end

-- At the end of the stream, what is neither handled nor in hand has gone unread: trimmed or deleted by hand.
local function reached(group)
  local gone = waiting(KEYS[2], KEYS[4]) - group['pending']
  if gone > 0 and redis.call('HEXISTS', KEYS[4], '@before_start') == 1 then expire(gone) end
  return group['last-delivered-id']
end

local entries = read(ARGV[7])
if #entries == 0 and ARGV[8] == '1' then entries = read('>') end
if #entries == 0 then return {0, ARGV[7], ARGV[8] == '1' and reached(group_of(KEYS[2], ARGV[2])) or '', {}} end

local claimed = {}
for _, entry in ipairs(entries) do
  local id, body = entry[1], entry[2]
  local again = body and #body == 4 and body[3] == 'to'
  if again and body[4] ~= ARGV[2] then
    -- A dead letter of another environment, appended again for it alone: nothing was added for this one.
    if settle(KEYS[2], ARGV[2], KEYS[3], id, ARGV[3]) then redis.call('HINCRBY', KEYS[4], '@base', -1) end
  elseif body then
    local data = (#body == 2 or again) and body[1] == 'e' and body[2] or table.concat(body, ' ')
    claimed[#claimed + 1] = {id, data, redis.call('HGET', KEYS[3], id) or ''}
  elseif settle(KEYS[2], ARGV[2], KEYS[3], id, ARGV[3]) then
    expire(1)
  end
end
return {milliseconds(), entries[#entries][1], '', claimed}
