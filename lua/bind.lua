-- Binds a tag to a machine, once and for all.
--
-- KEYS 1 tag string
-- ARGV 1 id text
-- RETURNS 0 done
-- RETURNS 1 bound_elsewhere
-- ERRORS SLARGS the arguments are out of range
-- COST O(1)
--
-- The answer is { code, machine id that the tag is bound to }.

local key_tag = KEYS[1]
local id = ARGV[1]

if #KEYS ~= 1 or #ARGV ~= 1 or id == '' then
    return redis.error_reply('SLARGS bind: wrong arguments')
end

local bound = redis.call('GET', key_tag)

if bound then
    return { bound == id and 0 or 1, bound }
end
redis.call('SET', key_tag, id)
return { 0, id }
