-- Makes a claim last LEASE ms from now, if it is still ours.
--
-- KEYS 1 wheel zset
-- ARGV 1 id text
-- ARGV 2 token ms
-- ARGV 3 lease ms
-- RETURNS 0 done
-- RETURNS 1 conflict
-- ERRORS SLARGS the arguments are out of range
-- COST O(log N)
--
-- The answer is { code, token, now in ms }.

local key_wheel = KEYS[1]
local id, token, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])

if #KEYS ~= 1 or #ARGV ~= 3 or not token or not lease or lease < 1 then
    return redis.error_reply('SLARGS extend: wrong arguments')
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local score = tonumber(redis.call('ZSCORE', key_wheel, id) or '0')

if score ~= token then
    return { 1, score, now }
end
redis.call('ZADD', key_wheel, now + lease, id)
return { 0, now + lease, now }
