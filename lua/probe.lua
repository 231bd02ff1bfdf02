-- Finds out whether Redis takes writes, and whether this user may run what the other scripts and the daemon run;
-- writes nothing.
--
-- KEYS 1 wheel zset
-- RETURNS 0 done
-- ERRORS NOPERM a command is forbidden; and whatever Redis says of any write: READONLY, OOM, MISCONF, NOREPLICAS
-- COST O(1)

local key_wheel = KEYS[1]
local commands = {
    { 'XADD', key_wheel, '*', 'f', 'v' }, { 'XLEN', key_wheel }, { 'XRANGE', key_wheel, '-', '+' },
    { 'XREVRANGE', key_wheel, '+', '-' }, { 'HSET', key_wheel, 'f', 'v' }, { 'HDEL', key_wheel, 'f' },
    { 'HGET', key_wheel, 'f' }, { 'HGETALL', key_wheel }, { 'HMGET', key_wheel, 'f' },
    { 'HLEN', key_wheel }, { 'HINCRBY', key_wheel, 'f', '1' },
    { 'ZADD', key_wheel, '1', 'm' }, { 'ZREM', key_wheel, 'm' }, { 'ZSCORE', key_wheel, 'm' }, { 'ZCARD', key_wheel },
    { 'ZRANGE', key_wheel, '0', '0' }, { 'ZRANGEBYSCORE', key_wheel, '0', '0' }, { 'SET', key_wheel, 'v' },
    { 'GET', key_wheel }, { 'EXISTS', key_wheel }, { 'PEXPIREAT', key_wheel, '1' }, { 'TIME' },
    { 'EVALSHA', 'sha', '1', key_wheel },
}

-- #include "inc/may.lua"

for _, command in ipairs(commands) do
    if not may(unpack(command)) then
        return redis.error_reply('NOPERM this user may not run ' .. command[1])
    end
end
redis.call('ZADD', key_wheel, 'XX', 0, '-') -- is of no machine, so nothing is written, but refused where writes are
return { 0 }
