-- Reads a machine's events after a given one, and how many there are.
--
-- KEYS 1 events stream
-- ARGV 1 after count
-- ARGV 2 limit count
-- RETURNS 0 done
-- ERRORS SLARGS the arguments are out of range
-- COST O(LIMIT)
--
-- The answer is { code, now in ms, events, { { number, { field, value, ... } }, ... } }.

local key_events = KEYS[1]
local after, limit = tonumber(ARGV[1]), tonumber(ARGV[2])

if #KEYS ~= 1 or #ARGV ~= 2 or not after or after < 0 or not limit or limit < 1 or limit > 1000 then
    return redis.error_reply('SLARGS events: wrong arguments')
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

return {
    0, now, redis.call('XLEN', key_events),
    redis.call('XRANGE', key_events, after + 1, '+', 'COUNT', limit),
}
