#include "http/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 1024

static bool port_parse(const char *text, in_port_t *out)
{
    size_t len = strlen(text);
    long value;

    if (len == 0 || len > 5 || strspn(text, "0123456789") != len)
        return false;
    value = strtol(text, NULL, 10);
    *out = htons((uint16_t)value);
    return value <= UINT16_MAX;
}

bool listen_parse(const char *text, struct listen_at *out)
{
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&out->address;
    struct sockaddr_in *four = (struct sockaddr_in *)&out->address;
    const char *colon = strrchr(text, ':');
    char host[LISTEN_TEXT_MAX];
    size_t len = colon ? (size_t)(colon - text) : 0;

    memset(out, 0, sizeof(*out));
    if (len == 0 || len >= sizeof(host))
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    if (host[0] == '[' && host[len - 1] == ']') {
        host[len - 1] = '\0';
        six->sin6_family = AF_INET6;
        out->len = sizeof(*six);
        return inet_pton(AF_INET6, host + 1, &six->sin6_addr) == 1 && port_parse(colon + 1, &six->sin6_port);
    }
    four->sin_family = AF_INET;
    out->len = sizeof(*four);
    return inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &four->sin_addr) == 1 &&
           port_parse(colon + 1, &four->sin_port);
}

void listen_text(const struct listen_at *at, char out[LISTEN_TEXT_MAX])
{
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&at->address;
    const struct sockaddr_in *four = (const struct sockaddr_in *)&at->address;
    char host[INET6_ADDRSTRLEN] = "?";

    if (at->address.ss_family == AF_INET6) {
        inet_ntop(AF_INET6, &six->sin6_addr, host, sizeof(host));
        snprintf(out, LISTEN_TEXT_MAX, "[%s]:%d", host, ntohs(six->sin6_port));
    } else {
        inet_ntop(AF_INET, &four->sin_addr, host, sizeof(host));
        snprintf(out, LISTEN_TEXT_MAX, "%s:%d", host, ntohs(four->sin_port));
    }
}

bool listen_is_loopback(const struct listen_at *at)
{
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&at->address;
    const struct sockaddr_in *four = (const struct sockaddr_in *)&at->address;

    if (at->address.ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
    return ntohl(four->sin_addr.s_addr) >> 24 == 127;
}

enum sl_err listen_open(struct listen_at *at, bool reuse_port, int *fd)
{
    int family = at->address.ss_family, on = 1, saved;

    *fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0)
        return SL_ESYS;
    setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (reuse_port)
        setsockopt(*fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
    if (family == AF_INET6)
        setsockopt(*fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)); /* "[::]" beside "0.0.0.0" is no clash */
    if (bind(*fd, (struct sockaddr *)&at->address, at->len) == 0 && listen(*fd, BACKLOG) == 0 &&
        getsockname(*fd, (struct sockaddr *)&at->address, &at->len) == 0)
        return SL_OK;
    saved = errno;
    close(*fd);
    errno = saved;
    return SL_ESYS;
}
