#include "base/err.h"

static const char *const names[] = {
    [-SL_OK] = "ok",           [-SL_EINVAL] = "invalid",     [-SL_ENOENT] = "not_found",
    [-SL_EEXIST] = "exists",   [-SL_ECONFLICT] = "conflict", [-SL_EDOWN] = "down",
    [-SL_EUNKNOWN] = "unknown", [-SL_EPROTO] = "protocol",   [-SL_ECORRUPT] = "corrupt",
    [-SL_EBUSY] = "busy",      [-SL_EREFUSED] = "refused",   [-SL_ETIMEOUT] = "timeout",
    [-SL_EFAILED] = "failed",  [-SL_ESYS] = "system",
};
_Static_assert(SL_COUNT(names) == SL_ERR_COUNT, "every code has a name");

const char *sl_err_name(enum sl_err err)
{
    int index = -(int)err;

    return index >= 0 && index < SL_ERR_COUNT ? names[index] : "?";
}
