-- Puts one thing about a machine right that a check found wrong, if the machine is still as it was then.
--
-- KEYS 1 machine hash
-- KEYS 2 events stream
-- KEYS 3 wheel zset
-- KEYS 4 failed zset
-- KEYS 5 feed stream
-- ARGV 1 verb text
-- ARGV 2 id text
-- ARGV 3 version count
-- ARGV 4 score ms
-- ARGV 5 at ms
-- RETURNS 0 done
-- RETURNS 1 conflict
-- ERRORS SLARGS the arguments are out of range
-- ERRORS NOPERM a command is forbidden
-- COST O(log N), O(events) for feed
--
-- verb: snapshot drops the snapshot; wheel puts it there at AT; forget takes it off the wheel and the failed ones, with
-- the note of its failure; list and unlist are about the failed ones; feed appends the events from AT on. The fence is
-- the number of events and, but for feed, the place on the wheel (0: none). The answer is { code }.

local key_machine, key_events, key_wheel, key_failed, key_feed = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local verb, id = ARGV[1], ARGV[2]
local expect_version, expect_score, at = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local EVENTS_MAX = 10000
local verbs = { snapshot = true, wheel = true, forget = true, list = true, unlist = true, feed = true }

if #KEYS ~= 5 or #ARGV ~= 5 or not verbs[verb] or not (expect_version and expect_score and at) then
    return redis.error_reply('SLARGS check_fix: wrong arguments')
end

-- #include "inc/may.lua"

if not (may('HDEL', key_machine, 'f') and may('ZADD', key_wheel, '1', id) and may('ZREM', key_wheel, id)
        and may('ZADD', key_failed, '1', id) and may('ZREM', key_failed, id) and may('DEL', key_machine)
        and may('XADD', key_feed, '*', 'f', 'v')) then
    return redis.error_reply('NOPERM check_fix: this user may not write all of it')
end
redis.call('ZCARD', key_failed) -- of a wrong type: an error before the first write
redis.call('XLEN', key_feed)

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local score = tonumber(redis.call('ZSCORE', key_wheel, id) or '0')
local stored = redis.call('HMGET', key_machine, 'status', 'commit')
local failed = stored[1] == 'failed'

if redis.call('XLEN', key_events) ~= expect_version or (verb ~= 'feed' and score ~= expect_score) then
    return { 1 }
end
if verb == 'snapshot' then
    redis.call('HDEL', key_machine, 'state', 'v')
elseif verb == 'wheel' then
    if failed or stored[1] == 'removed' then
        return { 1 }
    end
    redis.call('ZADD', key_wheel, at, id)
elseif verb == 'forget' then
    if expect_version ~= 0 or stored[2] then
        return { 1 }
    end
    redis.call('ZREM', key_wheel, id)
    redis.call('ZREM', key_failed, id)
    redis.call('DEL', key_machine)
elseif verb == 'list' then
    if not failed then
        return { 1 }
    end
    redis.call('ZADD', key_failed, now, id)
elseif verb == 'unlist' then
    if failed then
        return { 1 }
    end
    redis.call('ZREM', key_failed, id)
else
    if at < 1 or at > expect_version or expect_version - at >= EVENTS_MAX then
        return { 1 }
    end
    for event = at, expect_version do
        redis.call('XADD', key_feed, '*', 'id', id, 'event', event)
    end
end
return { 0 }
