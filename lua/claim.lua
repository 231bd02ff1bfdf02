-- Claims due machines of a partition: the oldest first, at most LIMIT, each for LEASE ms. There is no
-- second place where claimed machines are kept: a daemon that dies lets its machines become due again.
--
-- KEYS 1 wheel zset
-- ARGV 1 limit count
-- ARGV 2 lease ms
-- RETURNS 0 done
-- ERRORS SLARGS the arguments are out of range
-- COST O(LIMIT log N)
--
-- The answer is { code, now in ms, first score left on the wheel or 0, token, id, score, id, score, ... }.

local key_wheel = KEYS[1]
local limit, lease = tonumber(ARGV[1]), tonumber(ARGV[2])

if #KEYS ~= 1 or #ARGV ~= 2 or not limit or limit < 0 or limit > 1000 or not lease or lease < 1 then
    return redis.error_reply('SLARGS claim: wrong arguments')
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local token = now + lease
local due = {}

if limit > 0 then
    due = redis.call('ZRANGEBYSCORE', key_wheel, '-inf', now, 'WITHSCORES', 'LIMIT', 0, limit)
end
local answer = { 0, now, 0, token }
for i = 1, #due, 2 do
    redis.call('ZADD', key_wheel, token, due[i])
    answer[#answer + 1] = due[i]
    answer[#answer + 1] = due[i + 1]
end
local first = redis.call('ZRANGE', key_wheel, 0, 0, 'WITHSCORES')
if first[2] then
    answer[3] = first[2]
end
return answer
