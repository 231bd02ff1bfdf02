-- Commits one turn of a machine: its event, its timer, its ledger postings, the feed and, when given,
-- its snapshot. All of it or nothing.
--
-- The fence is the number of events: whoever has another number in mind has an old state in mind. A
-- commit that carries no changes is fenced by its claim (the score on the wheel) as well, since it
-- leaves the number of events as it was.
--
-- KEYS 1 machine hash
-- KEYS 2 events stream
-- KEYS 3 wheel zset
-- KEYS 4 accounts hash
-- KEYS 5 feed stream
-- KEYS 6 failed zset
-- KEYS 7 once string
-- KEYS 8 retrying zset
-- ARGV 1 id text
-- ARGV 2 commit_id text
-- ARGV 3 expect_version count
-- ARGV 4 expect_token ms
-- ARGV 5 changes json
-- ARGV 6 due ms
-- ARGV 7 lease ms
-- ARGV 8 activity text
-- ARGV 9 outcome text
-- ARGV 10 snapshot json
-- ARGV 11 mode flags
-- ARGV 12 once text
-- ARGV 13 asked text
-- ARGV 14 currencies text
-- ARGV ... tallies text
-- RETURNS 0 done
-- RETURNS 1 conflict
-- RETURNS 2 exists
-- RETURNS 3 failed
-- RETURNS 4 range
-- RETURNS 5 not_failed
-- RETURNS 6 missing
-- RETURNS 7 currency
-- ERRORS SLARGS the arguments contradict each other
-- ERRORS SLDATA a stored field cannot be what was written; NOPERM a command is forbidden
-- COST O(log N) in the wheel, O(1) per posting
--
-- once: "" none (the key is then not looked at), else what is kept under the key for 25 hours, that a caller
-- who asks again hears of. expect_token: 0 none held. due: "keep", "none" or ms. lease: 0 let go. snapshot: "" leave, "-" forget.
-- asked: a call from outside whose effect is about to begin, kept until a commit says what came of it: "" the sender
-- knows of none, "=" it stays, "-" it is over, else it is kept from here on. Who does not know what is kept hears of
-- it as of a conflict. A machine that is let go with one is due at once.
-- mode: "" or any of c (only claims), r (repairs a failed machine), x (removes it). tallies: field, delta,
-- field, delta, ... currencies: "account currency account currency ...", of the accounts that are posted to; an account
-- keeps the first one it was given. The answer is { code, version, token, now in ms }, and with an event that was written
-- now a fifth: its entry in the feed.

local key_machine, key_events, key_wheel = KEYS[1], KEYS[2], KEYS[3]
local key_accounts, key_feed, key_failed, key_once, key_retrying = KEYS[4], KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local id, commit_id = ARGV[1], ARGV[2]
local expect_version, expect_token = tonumber(ARGV[3]), tonumber(ARGV[4])
local changes, due, lease = ARGV[5], ARGV[6], tonumber(ARGV[7])
local activity, outcome, snapshot, mode, once = ARGV[8], ARGV[9], ARGV[10], ARGV[11], ARGV[12]
local asked, currencies = ARGV[13], ARGV[14]
local FIRST_TALLY = 15
local ONCE_S = 25 * 3600
local DIGITS_MAX = 17 -- a sum of two numbers of so many digits fits 64 bits

local claims_only = mode and string.find(mode, 'c', 1, true)
local repairs = mode and string.find(mode, 'r', 1, true)
local removes = mode and string.find(mode, 'x', 1, true)
local lets_go = claims_only and lease == 0 and (expect_token or 0) > 0

if #KEYS ~= 8 or #ARGV < 14 or #ARGV % 2 ~= 0 or not (expect_version and expect_token and lease)
    or (due ~= 'keep' and due ~= 'none' and not string.find(due, '^%d+$'))
    or (claims_only and (changes ~= '' or once ~= '' or #ARGV >= FIRST_TALLY)) then
    return redis.error_reply('SLARGS commit: wrong arguments')
end

local posted, fields, accounts, new_currencies = {}, {}, {}, {}
for i = FIRST_TALLY, #ARGV, 2 do
    if posted[ARGV[i]] then -- each alone may fit, and not their sum
        return redis.error_reply('SLARGS commit: a field is posted to twice')
    end
    posted[ARGV[i]] = true
    fields[#fields + 1] = ARGV[i]
end
for account, currency in string.gmatch(currencies or '', '(%S+) (%S+)') do
    accounts[#accounts + 1] = { account .. ':currency', currency }
    fields[#fields + 1] = account .. ':currency'
end

-- What HINCRBY takes, and within the range.
local function is_amount(text)
    local digits = string.match(text, '^%-?([1-9]%d*)$')
    return text == '0' or (digits and #digits <= DIGITS_MAX)
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local version = redis.call('XLEN', key_events)
local stored = redis.call('HMGET', key_machine, 'commit', 'status', 'due', 'quiet', 'cause', 'asked')
local last_commit, status, stored_due, cause = stored[1], stored[2], stored[3] or '', stored[5]
local stored_asked = stored[6] or ''
local keeps = asked ~= '' and asked ~= '=' and asked ~= '-'
local quiet = tonumber(stored[4] or '0')
local score = tonumber(redis.call('ZSCORE', key_wheel, id) or '0')

-- A key of a wrong type or a field that is no number is an error, and it must be one before the first write.
redis.call('XLEN', key_feed)
redis.call('ZCARD', key_failed)
redis.call('ZCARD', key_retrying)
local balances = {}
if #fields > 0 then
    balances = redis.call('HMGET', key_accounts, unpack(fields))
end

-- #include "inc/may.lua"

if not (may('XADD', key_events, '*', 'f', 'v') and may('XADD', key_feed, '*', 'f', 'v')
        and may('HINCRBY', key_accounts, 'f', '1') and may('HSET', key_accounts, 'f', 'v')
        and may('HSET', key_machine, 'f', 'v') and may('HDEL', key_machine, 'f')
        and may('ZADD', key_wheel, '1', id) and may('ZREM', key_wheel, id) and may('ZREM', key_failed, id)
        and may('ZREM', key_retrying, id)
        and may('SET', key_once, 'v')) then
    return redis.error_reply('NOPERM commit: this user may not write all of it')
end

if not quiet or not (stored_due == '' or string.find(stored_due, '^%d+$')) then
    return redis.error_reply('SLDATA commit: the stored timer or count is no number')
end

-- Refusals, all of them before the first write.
if last_commit == commit_id then
    return { 0, version, score, now }
end
if expect_version == 0 and version > 0 then
    return { 2, version, score, now }
end
if once ~= '' and redis.call('EXISTS', key_once) == 1 then
    return { 1, version, score, now } -- somebody has done it: who loads again finds out
end
if version ~= expect_version then
    return { 1, version, score, now }
end
if status == 'removed' then
    return { 6, version, 0, now }
end
if (asked == '' or keeps) == (stored_asked ~= '') and stored_asked ~= asked then
    return { 1, version, score, now } -- what is kept has to be finished first, or has been, and the sender missed it
end
if repairs then
    if status ~= 'failed' then
        return { 5, version, score, now }
    end
elseif status == 'failed' and not lets_go then
    return { 3, version, 0, now }
end
if expect_token > 0 and score ~= expect_token then
    return { 1, version, score, now }
end
if expect_token == 0 and changes == '' and status == 'working' and score > now
    and score ~= (tonumber(stored_due) or 0) then
    return { 1, version, score, now } -- somebody else has it in work and we bring no change
end
local tallies = (#ARGV - FIRST_TALLY + 1) / 2
for i = 1, tallies do
    if not is_amount(ARGV[FIRST_TALLY + 2 * i - 1]) or (balances[i] and not is_amount(balances[i])) then
        return { 4, version, score, now }
    end
end
for i, row in ipairs(accounts) do
    local present = balances[tallies + i]
    if present and present ~= row[2] then
        return { 7, version, score, now }
    elseif not present then
        new_currencies[#new_currencies + 1] = row[1]
        new_currencies[#new_currencies + 1] = row[2]
    end
end

-- Writes.
local entry = ''
if once ~= '' then
    redis.call('SET', key_once, once, 'EX', ONCE_S)
end
if changes ~= '' then
    version = version + 1
    redis.call('XADD', key_events, version .. '-0', 'at', now, 'changes', changes)
    entry = redis.call('XADD', key_feed, '*', 'id', id, 'event', version)
    quiet = 0
elseif not claims_only and (not repairs or cause == 'declined') then
    quiet = quiet + 1 -- a repair asks again what was not answered, and anew what was answered with no
end
for i = FIRST_TALLY, #ARGV, 2 do
    redis.call('HINCRBY', key_accounts, ARGV[i], ARGV[i + 1])
end
if #new_currencies > 0 then
    redis.call('HSET', key_accounts, unpack(new_currencies))
end

if due == 'keep' then
    due = stored_due
elseif due == 'none' then
    due = ''
end
local token, rests_until = 0, due
if removes or (lets_go and status == 'failed') then
    due, rests_until = '', '' -- a parked machine is on no wheel
elseif lease > 0 then
    token = now + lease
elseif asked == '=' then
    rests_until = now
end
if token > 0 then
    redis.call('ZADD', key_wheel, token, id)
elseif rests_until ~= '' then
    redis.call('ZADD', key_wheel, rests_until, id)
elseif score > 0 then
    redis.call('ZREM', key_wheel, id)
end

if keeps then
    redis.call('HSET', key_machine, 'asked', asked)
elseif asked == '-' or (removes and stored_asked ~= '') then
    redis.call('HDEL', key_machine, 'asked')
end
if claims_only then
    redis.call('HSET', key_machine, 'commit', commit_id)
    if asked == '-' and status == 'retrying' then -- it was this that failed
        redis.call('HSET', key_machine, 'status', 'working')
        redis.call('HDEL', key_machine, 'attempts', 'since', 'reason', 'cause')
        redis.call('ZREM', key_retrying, id)
    end
    return { 0, version, token, now }
end
redis.call('HSET', key_machine, 'commit', commit_id, 'quiet', quiet, 'due', due, 'activity', activity,
    'outcome', outcome, 'status', removes and 'removed' or 'working')
if status and status ~= 'working' then
    redis.call('HDEL', key_machine, 'attempts', 'since', 'reason')
    redis.call('ZREM', key_failed, id)
    redis.call('ZREM', key_retrying, id)
end
if cause and not (repairs and changes == '') then -- a repair that only lets it run again answers nothing
    redis.call('HDEL', key_machine, 'cause')
end
if snapshot == '-' or removes then
    redis.call('HDEL', key_machine, 'state', 'v')
elseif snapshot ~= '' then
    redis.call('HSET', key_machine, 'v', version, 'state', snapshot)
end
return { 0, version, token, now, entry }
