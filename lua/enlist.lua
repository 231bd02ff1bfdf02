-- Says that the daemon INSTANCE lives under its name, with a card that others may read; tells the cards of all that do.
--
-- KEYS 1 cards hash
-- ARGV 1 name text
-- ARGV 2 instance text
-- ARGV 3 card json
-- ARGV 4 silent_max ms
-- ARGV 5 leaving flag
-- RETURNS 0 done
-- RETURNS 1 taken
-- ERRORS SLARGS the arguments are out of range
-- COST O(daemons)
--
-- A name belongs to one instance until it leaves or has been silent for longer than SILENT_MAX. A field is
-- "BEAT_MS INSTANCE CARD". The answer is { code, name, card, name, card, ... }: of those that live, or, if the name is
-- taken, of the one that has it.

local key_cards = KEYS[1]
local name, instance, card, silent_max, leaving = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]

if #KEYS ~= 1 or #ARGV ~= 5 or name == '' or not string.find(instance, '^%w+$') or not silent_max or silent_max < 1 then
    return redis.error_reply('SLARGS enlist: wrong arguments')
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local rows = redis.call('HGETALL', key_cards)
local answer = {}
local silent = {}

for i = 1, #rows, 2 do
    local beat, holder, text = string.match(rows[i + 1], '^(%d+) (%w+) (.*)$')

    if not beat or tonumber(beat) < now - silent_max then
        silent[#silent + 1] = rows[i]
    elseif rows[i] ~= name then
        answer[#answer + 1] = rows[i]
        answer[#answer + 1] = text
    elseif holder ~= instance then
        return { 1, name, text }
    end
end
for _, gone in ipairs(silent) do
    redis.call('HDEL', key_cards, gone)
end
if leaving == '1' then
    redis.call('HDEL', key_cards, name)
else
    redis.call('HSET', key_cards, name, string.format('%.0f', now) .. ' ' .. instance .. ' ' .. card)
    answer[#answer + 1] = name
    answer[#answer + 1] = card
end
return { 0, unpack(answer) }
