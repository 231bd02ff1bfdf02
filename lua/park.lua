-- Parks a machine that cannot be read, or of which there is nothing but its place on the wheel: it leaves the wheel and
-- stands among the failed ones, with the reason. Nothing is read of it but its place.
--
-- KEYS 1 machine hash
-- KEYS 2 wheel zset
-- KEYS 3 failed zset
-- KEYS 4 retrying zset
-- ARGV 1 id text
-- ARGV 2 token ms
-- ARGV 3 reason text
-- RETURNS 0 done
-- RETURNS 1 conflict
-- ERRORS SLARGS the arguments are out of range
-- ERRORS NOPERM a command is forbidden
-- COST O(log N)
--
-- token: its score on the wheel, 0 for none; with another one it is somebody else's, or was worked meanwhile. A machine
-- key of a wrong type is left as it is. The answer is { code, score, now in ms }.

local key_machine, key_wheel, key_failed, key_retrying = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, token, reason = ARGV[1], tonumber(ARGV[2]), ARGV[3]

if #KEYS ~= 4 or #ARGV ~= 3 or not token or token < 0 then
    return redis.error_reply('SLARGS park: wrong arguments')
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local score = tonumber(redis.call('ZSCORE', key_wheel, id) or '0')

-- #include "inc/may.lua"

if not (may('HSET', key_machine, 'f', 'v') and may('ZREM', key_wheel, id) and may('ZADD', key_failed, '1', id)
        and may('ZREM', key_retrying, id) and may('TYPE', key_machine)) then
    return redis.error_reply('NOPERM park: this user may not write all of it')
end
redis.call('ZCARD', key_failed) -- of a wrong type: an error before the first write
redis.call('ZCARD', key_retrying)
local kind = redis.call('TYPE', key_machine).ok

if score ~= token then
    return { 1, score, now }
end
if kind == 'hash' or kind == 'none' then
    redis.call('HSET', key_machine, 'status', 'failed', 'attempts', 1, 'reason', reason, 'cause', 'corrupt', 'since', now)
end
redis.call('ZREM', key_wheel, id)
redis.call('ZADD', key_failed, now, id)
redis.call('ZREM', key_retrying, id)
return { 0, 0, now }
