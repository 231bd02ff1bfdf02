-- Whether the user may run this command, asked before the first write: Redis keeps what a script wrote before one of
-- its commands was refused. (Redis 6 cannot be asked.)
local function may(...)
    return not redis.acl_check_cmd or redis.acl_check_cmd(...)
end
