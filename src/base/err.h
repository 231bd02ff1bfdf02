/* What a function of Sluice answers when it can fail.
 *
 * Zero is success and everything else is negative, so `if (err)` reads right. The four kinds that
 * matter are kept apart everywhere: a bug of ours is an assert and has no code; a business refusal
 * is data (a change or a call's reply) and has no code either; SL_EDOWN says that nothing was
 * sent; SL_EUNKNOWN says that it was sent and not answered. */
#ifndef SLUICE_BASE_ERR_H
#define SLUICE_BASE_ERR_H

enum sl_err {
    SL_OK = 0,
    SL_EINVAL = -1,    /* input is malformed or out of range; the error list names the field */
    SL_ENOENT = -2,    /* no such thing */
    SL_EEXIST = -3,    /* it is there already */
    SL_ECONFLICT = -4, /* somebody else changed it first: load again */
    SL_EDOWN = -5,     /* not sent; nothing happened; try again later */
    SL_EUNKNOWN = -6,  /* sent and not answered; may have happened; ask again with the same key */
    SL_EPROTO = -7,    /* an answer that makes no sense */
    SL_ECORRUPT = -8,  /* stored data that cannot be what we wrote */
    SL_EBUSY = -9,     /* a bounded queue is full */
    SL_EREFUSED = -10, /* the other side said no, for good */
    SL_ETIMEOUT = -11, /* the caller's deadline passed before anything was done */
    SL_EFAILED = -12,  /* the machine is failed and waits for a repair */
    SL_ESYS = -13,     /* the operating system said no; errno is set */
};

#define SL_ERR_COUNT 14

/* The code's name in lower case, without the prefix ("conflict"); never NULL. */
const char *sl_err_name(enum sl_err err);

#define SL_MUST_USE __attribute__((warn_unused_result))
#define SL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define SL_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
