-- Tells where a partition's feed ends and what its accounts are, both as of the same moment.
--
-- KEYS 1 feed stream
-- KEYS 2 accounts hash
-- KEYS 3 check string
-- RETURNS 0 done
-- ERRORS SLARGS the arguments are out of range
-- COST O(accounts)
--
-- The answer is { code, last id of the feed or "0-0", mark, { field, value, ... } }. The mark is what the last correction
-- of the ledger left behind, "" for none: check_ledger.lua corrects only what was found under it.

local key_feed, key_accounts, key_check = KEYS[1], KEYS[2], KEYS[3]

if #KEYS ~= 3 or #ARGV ~= 0 then
    return redis.error_reply('SLARGS check_mark: wrong arguments')
end

local last = redis.call('XREVRANGE', key_feed, '+', '-', 'COUNT', 1)[1]

return { 0, last and last[1] or '0-0', redis.call('GET', key_check) or '', redis.call('HGETALL', key_accounts) }
