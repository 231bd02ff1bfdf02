-- Reads all that is needed to fold a machine's state: the snapshot and the events after it, or, with
-- AT, its first AT events.
--
-- KEYS 1 machine hash
-- KEYS 2 events stream
-- KEYS 3 wheel zset
-- ARGV 1 id text
-- ARGV 2 at count
-- RETURNS 0 done
-- ERRORS SLARGS the arguments are out of range
-- COST O(events after the snapshot)
--
-- The answer is { code, now in ms, events, score, { status, due, quiet, activity, attempts, since, reason,
-- v, state, cause, asked }, { { number, { field, value, ... } }, ... } }.

local key_machine, key_events, key_wheel = KEYS[1], KEYS[2], KEYS[3]
local id, at = ARGV[1], tonumber(ARGV[2])

if #KEYS ~= 3 or #ARGV ~= 2 or not at or at < 0 then
    return redis.error_reply('SLARGS load: wrong arguments')
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local fields = redis.call('HMGET', key_machine, 'status', 'due', 'quiet', 'activity', 'attempts', 'since', 'reason',
    'v', 'state', 'cause', 'asked')
local first, last = 1, '+'
local events = redis.call('XLEN', key_events)

if at > 0 then
    last = at
    fields[8], fields[9] = false, false
elseif fields[8] then
    local folded = tonumber(fields[8])
    if folded and folded >= 1 and folded <= events then
        first = folded + 1
    else -- a snapshot of what has not happened: the events know better
        fields[8], fields[9] = false, false
    end
end
return {
    0, now, events, redis.call('ZSCORE', key_wheel, id), fields,
    redis.call('XRANGE', key_events, first, last),
}
