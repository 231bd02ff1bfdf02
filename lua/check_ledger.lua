-- Corrects fields of a partition's accounts by what a check found them to be off by. Additive, so that commits in between
-- do no harm; a second check at the same time would, so a correction is taken only under the mark it was found with.
--
-- KEYS 1 accounts hash
-- KEYS 2 check string
-- ARGV 1 mark text
-- ARGV ... deltas text
-- RETURNS 0 done
-- RETURNS 1 conflict
-- ERRORS SLARGS the arguments are out of range
-- ERRORS NOPERM a command is forbidden
-- COST O(fields)
--
-- deltas: field, delta, field, delta, ... The answer is { code }. mark: see check_mark.lua.

local key_accounts, key_check = KEYS[1], KEYS[2]
local mark = ARGV[1]
local FIRST_DELTA = 2
local DIGITS_MAX = 17 -- a sum of two numbers of so many digits fits 64 bits

local function is_amount(text)
    local digits = string.match(text, '^%-?([1-9]%d*)$')
    return text == '0' or (digits and #digits <= DIGITS_MAX)
end

if #KEYS ~= 2 or #ARGV < FIRST_DELTA + 1 or #ARGV % 2 ~= 1 then
    return redis.error_reply('SLARGS check_ledger: wrong arguments')
end

-- #include "inc/may.lua"

if not (may('HINCRBY', key_accounts, 'f', '1') and may('SET', key_check, 'v')) then
    return redis.error_reply('NOPERM check_ledger: this user may not write all of it')
end
if (redis.call('GET', key_check) or '') ~= mark then
    return { 1 }
end
for i = FIRST_DELTA, #ARGV, 2 do
    local present = redis.call('HGET', key_accounts, ARGV[i])
    if not is_amount(ARGV[i + 1]) or (present and not is_amount(present)) then
        return { 1 }
    end
end

local time = redis.call('TIME')
for i = FIRST_DELTA, #ARGV, 2 do
    redis.call('HINCRBY', key_accounts, ARGV[i], ARGV[i + 1])
end
redis.call('SET', key_check, time[1] .. '.' .. time[2])
return { 0 }
