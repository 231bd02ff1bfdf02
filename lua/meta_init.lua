-- Writes what is true of a whole deployment, unless it is written already.
--
-- KEYS 1 meta hash
-- ARGV 1 format count
-- ARGV 2 partitions count
-- RETURNS 0 done
-- RETURNS 1 exists
-- ERRORS SLARGS the arguments are out of range
-- COST O(1)
--
-- The answer is { code, format, partitions } as they are stored now.

local key_meta = KEYS[1]
local format, partitions = ARGV[1], ARGV[2]

if #KEYS ~= 1 or #ARGV ~= 2 or not tonumber(format) or not tonumber(partitions) then
    return redis.error_reply('SLARGS meta_init: wrong arguments')
end

local stored = redis.call('HMGET', key_meta, 'format', 'partitions')

if stored[1] or stored[2] then
    return { 1, stored[1], stored[2] }
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', key_meta, 'format', format, 'partitions', partitions, 'created_at', string.format('%.0f', now))
return { 0, format, partitions }
