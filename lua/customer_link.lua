-- Links a payment, and the card that it was paid with, to a customer.
--
-- KEYS 1 payments zset
-- KEYS 2 cards zset
-- ARGV 1 created_at ms
-- ARGV 2 payment text
-- ARGV 3 card text
-- RETURNS 0 done
-- ERRORS SLARGS the arguments are out of range
-- COST O(log N)
--
-- card: empty if the payment was not paid with one. Members keep the score that they got first, so a repeat changes
-- nothing. The answer is { code }.

local key_payments, key_cards = KEYS[1], KEYS[2]
local created_at, payment, card = ARGV[1], ARGV[2], ARGV[3]

if #KEYS ~= 2 or #ARGV ~= 3 or not created_at:find('^%d+$') or payment == '' then
    return redis.error_reply('SLARGS customer_link: wrong arguments')
end

if card ~= '' then
    redis.call('ZSCORE', key_cards, card) -- a key of a wrong type is found before the first write
end
redis.call('ZADD', key_payments, 'NX', created_at, payment)
if card ~= '' then
    redis.call('ZADD', key_cards, 'NX', created_at, card)
end
return { 0 }
