-- Adds what a daemon has seen of providers to the present tick, and tells what all daemons have seen.
--
-- One hash has it all: a field per service ("7:availability"), its text "first start:successes:failures ...", moments
-- in ms, the oldest tick first and only ticks with outcomes. FIRST is when the service was first heard of: a
-- service that is idle is not a service that is new.
--
-- KEYS 1 health hash
-- ARGV 1 tick ms
-- ARGV 2 keep ms
-- ARGV 3 forget ms
-- ARGV ... outcomes text
-- RETURNS 0 done
-- ERRORS SLARGS the arguments are out of range
-- COST O(services + outcomes), times the length of a record
--
-- outcomes: service, successes, failures, each service once, at most 1000 of them. Ticks older than KEEP are removed,
-- and ticks of the future, which a clock that was set back has left behind; services that nothing was heard of for
-- FORGET are forgotten. The same call again counts again: an answer that was lost is not asked for a second time.
-- Counts are capped, so that sums stay whole numbers of a double.
-- The answer is { code, now in ms, service, text, ... }.

local key_health = KEYS[1]
local tick, keep, forget = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local OUTCOMES, OUTCOMES_MAX, COUNT_MAX = 4, 1000, 1000000000000

local function is_count(text)
    return string.find(text, '^%d+$') and #text <= 9
end

local function arguments_are_fine()
    if #KEYS ~= 1 or #ARGV < 3 or (#ARGV - 3) % 3 ~= 0 or #ARGV > 3 + 3 * OUTCOMES_MAX then
        return false
    end
    if not tick or not keep or not forget then
        return false
    end
    if tick < 1 or keep < tick or forget < keep or tick % 1 ~= 0 or forget > COUNT_MAX then
        return false
    end
    for i = OUTCOMES, #ARGV, 3 do
        if not string.find(ARGV[i], '^%d+:%l+$') or not is_count(ARGV[i + 1]) or not is_count(ARGV[i + 2]) then
            return false
        end
    end
    return true
end

if not arguments_are_fine() then
    return redis.error_reply('SLARGS health_flush: wrong arguments')
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local start = now - now % tick
local records, order, changed = {}, {}, {}

local function whole(number)
    return string.format('%.0f', number)
end

-- What TEXT still has to say, with the outcomes of the present tick added. The ticks stand in order, so it is looked at
-- from both ends only: hundreds of services would otherwise keep everybody else waiting.
local function added(text, successes, failures)
    local first, ticks = string.match(text or '', '^(%d+)([ %d:]*)$')
    local cut = 1

    ticks = ticks or ''
    while true do -- from the front: too old
        local at, behind = string.match(ticks, '^ (%d+):%d+:%d+()', cut)

        if not at or tonumber(at) > now - keep then
            break
        end
        cut = behind
    end
    ticks = string.sub(ticks, cut)
    while true do -- from the end: the present tick, or one that is not there yet
        local before, at, good, bad = string.match(ticks, '^(.*) (%d+):(%d+):(%d+)$')

        if not at or tonumber(at) < start then
            break
        end
        if tonumber(at) == start then
            successes, failures = successes + good, failures + bad
        end
        ticks = before
    end
    first = first and math.min(tonumber(first), start) or start
    return whole(first) .. ticks .. ' ' .. whole(start) .. ':' .. whole(math.min(successes, COUNT_MAX)) .. ':' ..
        whole(math.min(failures, COUNT_MAX))
end

local stored = redis.call('HGETALL', key_health)
for i = 1, #stored, 2 do
    local last = tonumber(string.match(stored[i + 1], '^.* (%d+):%d+:%d+$'))

    if last and last > now - forget then
        records[stored[i]] = stored[i + 1]
        order[#order + 1] = stored[i]
    else
        redis.call('HDEL', key_health, stored[i])
    end
end
for i = OUTCOMES, #ARGV, 3 do
    local service = ARGV[i]

    if not records[service] then
        order[#order + 1] = service
    end
    records[service] = added(records[service], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]))
    changed[#changed + 1] = service
    changed[#changed + 1] = records[service]
end
if #changed > 0 then
    redis.call('HSET', key_health, unpack(changed))
    redis.call('PEXPIRE', key_health, whole(forget))
end
local answer = { 0, now }
for i = 1, #order do
    answer[#answer + 1] = order[i]
    answer[#answer + 1] = records[order[i]]
end
return answer
