-- Says that a daemon is alive, forgets those that have been silent, and tells who is there.
--
-- KEYS 1 daemons zset
-- ARGV 1 name text
-- ARGV 2 silent_max ms
-- ARGV 3 leaving flag
-- RETURNS 0 done
-- ERRORS SLARGS the arguments are out of range
-- COST O(daemons)
--
-- leaving: 1 takes NAME out. The answer is { code, now in ms, name, name, ... } in the order of names.

local key_daemons = KEYS[1]
local name, silent_max, leaving = ARGV[1], tonumber(ARGV[2]), ARGV[3]

if #KEYS ~= 1 or #ARGV ~= 3 or name == '' or not silent_max or silent_max < 1 then
    return redis.error_reply('SLARGS heartbeat: wrong arguments')
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

if leaving == '1' then
    redis.call('ZREM', key_daemons, name)
else
    redis.call('ZADD', key_daemons, now, name)
end
redis.call('ZREMRANGEBYSCORE', key_daemons, '-inf', '(' .. string.format('%.0f', now - silent_max))
local names = redis.call('ZRANGE', key_daemons, 0, -1)
table.sort(names)
local answer = { 0, now }
for i = 1, #names do
    answer[#answer + 1] = names[i]
end
return answer
