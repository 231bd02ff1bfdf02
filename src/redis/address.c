#include "redis/address.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PORT_DEFAULT 6379
#define PORT_MAX 65535
#define DB_MAX 65535
#define SOCKET_MAX 107 /* bytes that fit sockaddr_un with the NUL */

static bool copy_part(char *out, size_t size, const char *from, size_t len)
{
    if (len >= size)
        return false;
    memcpy(out, from, len);
    out[len] = '\0';
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* As copy_part, with %XX taken as the byte it stands for; not NUL, which would cut the text short. */
static bool copy_decoded(char *out, size_t size, const char *from, size_t len)
{
    size_t at, written = 0;

    for (at = 0; at < len; at++) {
        char c = from[at];

        if (c == '%') {
            int high = at + 2 < len ? hex_value(from[at + 1]) : -1, low = at + 2 < len ? hex_value(from[at + 2]) : -1;

            if (high < 0 || low < 0 || (high == 0 && low == 0))
                return false;
            c = (char)(high * 16 + low);
            at += 2;
        }
        if (written + 1 >= size)
            return false;
        out[written++] = c;
    }
    out[written] = '\0';
    return true;
}

static bool parse_number(const char *text, const char *end, int max, int *out)
{
    char *stop;
    long value;

    if (text == end || !isdigit((unsigned char)*text))
        return false;
    errno = 0;
    value = strtol(text, &stop, 10);
    if (errno || stop != end || value > max)
        return false;
    *out = (int)value;
    return true;
}

static const char *parse_credentials(struct address *address, const char *text, size_t len)
{
    const char *colon = memchr(text, ':', len);

    if (!colon)
        return "the Redis address must have a colon before its password (redis://:password@host)";
    if (!copy_decoded(address->user, sizeof(address->user), text, (size_t)(colon - text)))
        return "the user name in the Redis address is too long, or has a % that is not followed by two hex digits";
    if (!copy_decoded(address->password, sizeof(address->password), colon + 1, len - (size_t)(colon - text) - 1))
        return "the password in the Redis address is too long, or has a % that is not followed by two hex digits";
    return NULL;
}

static const char *parse_host_port(struct address *address, const char *text, const char *end)
{
    const char *host_end, *colon;

    if (*text == '[') {
        host_end = memchr(text, ']', (size_t)(end - text));
        if (!host_end || (host_end + 1 != end && host_end[1] != ':'))
            return "the Redis address has no usable host";
        text++;
        colon = host_end + 1 == end ? NULL : host_end + 1;
    } else {
        colon = memchr(text, ':', (size_t)(end - text));
        host_end = colon ? colon : end;
    }
    address->port = PORT_DEFAULT;
    if (colon && (!parse_number(colon + 1, end, PORT_MAX, &address->port) || address->port == 0))
        return "the port in the Redis address must be 1..65535";
    if (host_end == text || !copy_part(address->host, sizeof(address->host), text, (size_t)(host_end - text)))
        return "the Redis address has no usable host";
    return NULL;
}

static const char *parse_host(struct address *address, const char *rest)
{
    const char *at = strrchr(rest, '@'), *end, *slash, *why;

    if (at) {
        why = parse_credentials(address, rest, (size_t)(at - rest));
        if (why)
            return why;
        rest = at + 1;
    }
    end = rest + strlen(rest);
    slash = strchr(rest, '/');
    if (slash && slash + 1 < end && !parse_number(slash + 1, end, DB_MAX, &address->db))
        return "the database in the Redis address must be a number";
    return parse_host_port(address, rest, slash ? slash : end);
}

static const char *parse_unix(struct address *address, const char *path)
{
    const char *query = strstr(path, "?db=");
    size_t len = query ? (size_t)(query - path) : strlen(path);

    if (query && !parse_number(query + 4, query + strlen(query), DB_MAX, &address->db))
        return "the database in the Redis address must be a number";
    if (len == 0 || len > SOCKET_MAX || !copy_part(address->host, sizeof(address->host), path, len))
        return "the socket path in the Redis address must have 1..107 bytes";
    return NULL;
}

const char *address_parse(const char *url, struct address *out)
{
    memset(out, 0, sizeof(*out));
    if (strncmp(url, "unix://", 7) == 0)
        return parse_unix(out, url + 7);
    if (strncmp(url, "redis://", 8) == 0)
        return parse_host(out, url + 8);
    if (strncmp(url, "rediss://", 9) == 0) {
        out->tls = true;
        return parse_host(out, url + 9);
    }
    return "the Redis address must begin with redis://, rediss:// or unix://";
}
