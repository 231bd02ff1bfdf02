-- Records that a step of a machine failed: tries it again later, or parks the machine as failed. The
-- timer stays as it was, so that a repair makes the failed step run again.
--
-- KEYS 1 machine hash
-- KEYS 2 events stream
-- KEYS 3 wheel zset
-- KEYS 4 failed zset
-- KEYS 5 retrying zset
-- ARGV 1 id text
-- ARGV 2 expect_version count
-- ARGV 3 expect_token ms
-- ARGV 4 reason text
-- ARGV 5 retry ms
-- ARGV 6 attempts count
-- ARGV 7 cause text
-- ARGV 8 asked text
-- RETURNS 0 done
-- RETURNS 1 conflict
-- ERRORS SLARGS the arguments are out of range
-- ERRORS NOPERM a command is forbidden
-- COST O(log N)
--
-- asked: "-" forgets the call that was kept (commit.lua): it was answered, with a no; "" leaves it.
-- retry: 0 parks. The answer is { code, score, now in ms }; no claim is left.

local key_machine, key_events, key_wheel, key_failed, key_retrying = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local id, expect_version, expect_token = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local reason, retry, attempts, cause, asked = ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], ARGV[8]

if #KEYS ~= 5 or #ARGV ~= 8 or not (expect_version and expect_token and retry and attempts) then
    return redis.error_reply('SLARGS fail: wrong arguments')
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local score = tonumber(redis.call('ZSCORE', key_wheel, id) or '0')
local stored = redis.call('HMGET', key_machine, 'status', 'since')
local status, since = stored[1], stored[2] or now

-- #include "inc/may.lua"

if not (may('HSET', key_machine, 'f', 'v') and may('HDEL', key_machine, 'f') and may('ZADD', key_wheel, '1', id)
        and may('ZREM', key_wheel, id) and may('ZADD', key_failed, '1', id) and may('ZADD', key_retrying, '1', id)
        and may('ZREM', key_retrying, id)) then
    return redis.error_reply('NOPERM fail: this user may not write all of it')
end
redis.call('ZCARD', key_failed) -- of a wrong type: an error before the first write
redis.call('ZCARD', key_retrying)

if redis.call('XLEN', key_events) ~= expect_version or not status or status == 'failed' or status == 'removed'
    or (expect_token > 0 and score ~= expect_token) then
    return { 1, score, now }
end
redis.call('HSET', key_machine, 'status', retry > 0 and 'retrying' or 'failed', 'attempts', attempts,
    'reason', reason, 'cause', cause, 'since', since)
if asked == '-' then
    redis.call('HDEL', key_machine, 'asked')
end
if retry > 0 then
    redis.call('ZADD', key_wheel, now + retry, id)
    redis.call('ZADD', key_retrying, since, id)
    return { 0, now + retry, now }
end
redis.call('ZREM', key_wheel, id)
redis.call('ZADD', key_failed, now, id)
redis.call('ZREM', key_retrying, id)
return { 0, 0, now }
