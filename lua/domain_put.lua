-- Commits a new revision of the configuration, if the head is still the one it was made from.
--
-- KEYS 1 head string
-- KEYS 2 document string
-- ARGV 1 expect_head revision
-- ARGV 2 revision number
-- ARGV 3 text json
-- RETURNS 0 done
-- RETURNS 1 conflict
-- ERRORS SLARGS the arguments contradict each other
-- COST O(1)
--
-- The answer is { code, head }. An expect_head of 0 means that there is no configuration yet.

local key_head, key_document = KEYS[1], KEYS[2]
local expect_head, revision, text = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]

if #KEYS ~= 2 or #ARGV ~= 3 or not expect_head or not revision or revision <= expect_head then
    return redis.error_reply('SLARGS domain_put: wrong arguments')
end

local head = tonumber(redis.call('GET', key_head) or '0')

if head ~= expect_head or redis.call('EXISTS', key_document) == 1 then
    return { 1, head }
end
redis.call('SET', key_document, text)
redis.call('SET', key_head, revision)
return { 0, revision }
