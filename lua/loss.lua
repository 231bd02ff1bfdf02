-- Reports that a daemon misses events in this Redis, for all daemons to know; or, when an operator says so, accepts it.
--
-- KEYS 1 meta hash
-- ARGV 1 report text
-- ARGV 2 accepted ms
-- RETURNS 0 done
-- RETURNS 1 nothing
-- ERRORS SLARGS the arguments contradict each other
-- COST O(1)
--
-- report: "" accepts. accepted: when a loss was last accepted, as the reporter knows it. "nothing" is done if one was
-- accepted since, if there is a report already, and, accepting, if there is none.
-- The answer is { code, report that was there or "" }.

local key_meta = KEYS[1]
local report, accepted = ARGV[1], ARGV[2]

if #KEYS ~= 1 or #ARGV ~= 2 or not string.find(accepted, '^%d+$') then
    return redis.error_reply('SLARGS loss: wrong arguments')
end

local stored = redis.call('HMGET', key_meta, 'format', 'suspect', 'accepted_at')
local suspect, stored_accepted = stored[2] or '', stored[3] or '0'

if not stored[1] then
    return { 1, suspect }
end
if report ~= '' then
    if suspect ~= '' or stored_accepted ~= accepted then
        return { 1, suspect }
    end
    redis.call('HSET', key_meta, 'suspect', report)
    return { 0, suspect }
end
if suspect == '' then
    return { 1, suspect }
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', key_meta, 'accepted_at', string.format('%.0f', math.max(now, tonumber(stored_accepted) + 1)))
redis.call('HDEL', key_meta, 'suspect')
return { 0, suspect }
