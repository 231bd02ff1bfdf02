-- Keeps the token that a provider gave for a card on one route, unless a newer one is there.
--
-- KEYS 1 card hash
-- ARGV 1 route text
-- ARGV 2 created_at us
-- ARGV 3 token JSON
-- RETURNS 0 done
-- RETURNS 1 newer_there
-- ERRORS SLARGS the arguments are out of range
-- ERRORS SLDATA what is stored cannot be read
-- COST O(1)
--
-- route: "PROVIDER:TERMINAL". A field holds "CREATED_AT TOKEN"; created_at orders tokens and is no money, and
-- microseconds since 1970 are exact in a double. The answer is { code }.

local key_card = KEYS[1]
local route, created_at, token = ARGV[1], ARGV[2], ARGV[3]

if #KEYS ~= 1 or #ARGV ~= 3 or not route:find('^%d+:%d+$') or not created_at:find('^%d+$') or token == '' then
    return redis.error_reply('SLARGS card_put: wrong arguments')
end

local stored = redis.call('HGET', key_card, route)

if stored then
    local stored_at = tonumber(stored:match('^(%d+) '))

    if not stored_at then
        return redis.error_reply('SLDATA card_put: a token without its moment')
    end
    if stored_at > tonumber(created_at) then
        return { 1 }
    end
end
redis.call('HSET', key_card, route, created_at .. ' ' .. token)
return { 0 }
