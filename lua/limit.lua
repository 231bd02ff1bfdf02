-- Holds, commits, rolls back or reads an operation's changes of turnover counters: all of them or none.
--
-- A counter is a hash: its value, and a record of each operation, "STATE AMOUNT VALUE", where VALUE is what the
-- counter came to with that record. An operation that comes again finds its record and changes nothing.
--
-- KEYS ... counters hash
-- ARGV 1 operation text
-- ARGV 2 tolerant flag
-- ARGV ... changes text
-- RETURNS 0 done
-- RETURNS 1 final_state
-- RETURNS 2 limit_missing
-- RETURNS 3 operation_missing
-- RETURNS 4 range
-- ERRORS SLARGS the arguments contradict each other
-- ERRORS SLDATA a stored field cannot be what was written
-- ERRORS NOPERM a command is forbidden
-- COST O(1) per counter
--
-- tolerant: "" or "1": what is not there is no fault, and is left out. changes: verb, amount, expires ms for each
-- counter; verb is any of hold, commit, rollback, read, current. The answer is { 0, value, value, ... }, texts, or
-- { code, number of the first counter at fault }.

local operation, tolerant = ARGV[1], ARGV[2] == '1'
local FIRST_CHANGE, CHANGE_WORDS = 3, 3
local DIGITS_MAX = 18 -- a few numbers of so many digits add up within 64 bits
local HALF = 9 -- digits; a number of so many is exact as a double
local KEEP_MS = 30 * 24 * 3600 * 1000 -- a counter just held in stays at least so long, whatever its period

-- What HINCRBY takes, of at most DIGITS_MAX digits.
local function is_amount(text)
    local digits = string.match(text, '^%-?([1-9]%d*)$')
    return text == '0' or (digits and #digits <= DIGITS_MAX)
end

-- A value that a record may be taken away from and put into without an overflow.
local function is_safe(value)
    return is_amount(value) or string.find(value, '^%-?[1-6]%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d%d$')
end

local function negated(text)
    if text == '0' then
        return text
    end
    return string.sub(text, 1, 1) == '-' and string.sub(text, 2) or '-' .. text
end

-- |a| <= |b|, by halves, since the whole may not be exact as a double. Text is not compared as text: Redis may run
-- in a locale.
local function fits(a, b)
    local function halves(text)
        local digits = string.gsub(text, '^%-', '')
        digits = string.rep('0', 2 * HALF - #digits) .. digits
        return tonumber(string.sub(digits, 1, HALF)), tonumber(string.sub(digits, HALF + 1))
    end
    local a_high, a_low = halves(a)
    local b_high, b_low = halves(b)
    if a_high ~= b_high then
        return a_high < b_high
    end
    return a_low <= b_low
end

-- What a verb means for a counter: { code }, or { 0, answer }, or with nothing at hand yet also what is to be written:
-- the record's STATE, what is added one after the other, and the amount that then counts as KEPT.
-- RECORD: nil, or { state, amount, value }. VALUE: nil for a counter that is not there.

local function plan_hold(value, record, amount)
    if record then
        if record.state ~= 'held' then
            return { 1 }
        end
        return { 0, record.value }
    end
    if not is_amount(value or '0') then
        return { 4 }
    end
    return { 0, nil, state = 'held', deltas = { amount }, kept = amount }
end

-- STATE: what the record is to become. AMOUNT: what counts from then on; nil: nothing.
local function plan_final(value, record, state, amount)
    if not value then
        return { 2 }
    end
    if not record or (record.state == 'held' and amount and not fits(amount, record.amount)) then
        return { 3 }
    end
    if record.state ~= 'held' then
        if record.state ~= state or (amount and record.amount ~= amount) then
            return { 3 }
        end
        return { 0, record.value }
    end
    if not is_safe(value) then
        return { 4 }
    end
    return { 0, nil, state = state, deltas = { negated(record.amount), amount }, kept = amount or record.amount }
end

local function plan_of(verb, value, record, amount)
    if verb == 'hold' then
        return plan_hold(value, record, amount)
    elseif verb == 'commit' then
        return plan_final(value, record, 'committed', amount)
    elseif verb == 'rollback' then
        return plan_final(value, record, 'rolled_back')
    elseif verb == 'read' and not record then
        return { 3 }
    end
    return { 0, verb == 'read' and record.value or value or '0' }
end

local verbs = { hold = true, commit = true, rollback = true, read = true, current = true }

if #KEYS == 0 or #ARGV ~= FIRST_CHANGE - 1 + CHANGE_WORDS * #KEYS or operation == ''
    or (ARGV[2] ~= '' and not tolerant) then
    return redis.error_reply('SLARGS limit: wrong arguments')
end

local changes, first = {}, {} -- first: of the changes of one counter
for i, key in ipairs(KEYS) do
    local at = FIRST_CHANGE + CHANGE_WORDS * (i - 1)
    local change = { key = key, verb = ARGV[at], amount = ARGV[at + 1], expires = ARGV[at + 2] }
    local twin = changes[first[key]]
    if not verbs[change.verb] or not is_amount(change.amount) or not string.find(change.expires, '^%d+$')
        or (twin and (twin.verb ~= change.verb or twin.amount ~= change.amount)) then
        return redis.error_reply('SLARGS limit: wrong change ' .. i)
    end
    first[key] = first[key] or i
    changes[i] = change
end

local field = 'op:' .. operation

-- Looking and refusing, before the first write.
for i, change in ipairs(changes) do
    local stored = redis.call('HMGET', change.key, 'value', field)
    local value, text, record = stored[1] or nil, stored[2] or nil, nil
    if text then
        local state, amount, after = string.match(text, '^([%a_]+) (%-?%d+) (%-?%d+)$')
        record = { state = state, amount = amount, value = after }
    end
    if (value and not string.find(value, '^%-?%d+$'))
        or (text and not (value and record.state and is_amount(record.amount))) then
        return redis.error_reply('SLDATA limit: counter ' .. i .. ' holds what was never written')
    end
    local plan = plan_of(change.verb, value, record, change.amount)
    if tolerant and (plan[1] == 2 or plan[1] == 3) then
        plan = { 0, value or '0' }
    end
    if plan[1] ~= 0 then
        return { plan[1], i }
    end
    change.plan, change.answer = plan, plan[2]
end

-- #include "inc/may.lua"

for _, key in ipairs(KEYS) do
    if not (may('HINCRBY', key, 'f', '1') and may('HSET', key, 'f', 'v') and may('PEXPIREAT', key, '1')) then
        return redis.error_reply('NOPERM limit: this user may not write all of it')
    end
end

-- Writes.
local time = redis.call('TIME')
local earliest = time[1] * 1000 + math.floor(time[2] / 1000) + KEEP_MS
local answers = { 0 }
for i, change in ipairs(changes) do
    local twin = changes[first[change.key]]
    if not change.answer and twin ~= change then
        change.answer = twin.answer
    elseif not change.answer then
        for _, delta in ipairs(change.plan.deltas) do
            redis.call('HINCRBY', change.key, 'value', delta)
        end
        change.answer = redis.call('HGET', change.key, 'value')
        redis.call('HSET', change.key, field, change.plan.state .. ' ' .. change.plan.kept .. ' ' .. change.answer)
        if change.verb == 'hold' then
            redis.call('PEXPIREAT', change.key, string.format('%.0f', math.max(tonumber(change.expires), earliest)))
        end
    end
    answers[i + 1] = change.answer
end
return answers
