-- Tells whether feeds still have entries that a daemon has seen in them, and what is the newest of each.
--
-- KEYS ... feeds stream
-- ARGV 1 feeds count
-- ARGV ... entries text
-- RETURNS 0 done
-- ERRORS SLARGS the arguments contradict each other
-- COST O(log N) per feed
--
-- entries: one for each key, "" none. The answer is { 0, 1 if it is there or none was named, else 0, newest or "", ... }.

if #KEYS ~= tonumber(ARGV[1]) or #ARGV ~= #KEYS + 1 then
    return redis.error_reply('SLARGS seen: wrong arguments')
end

local told = {}
for i, key_feed in ipairs(KEYS) do
    local entry, there = ARGV[i + 1], 1
    local newest = redis.call('XREVRANGE', key_feed, '+', '-', 'COUNT', 1)[1]

    newest = newest and newest[1] or ''
    if entry ~= '' and entry ~= newest then
        there = #redis.call('XRANGE', key_feed, entry, entry)
    end
    told[#told + 1] = there
    told[#told + 1] = newest
end
return { 0, unpack(told) }
