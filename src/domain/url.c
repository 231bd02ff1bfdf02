#include "domain/url.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define BUILTIN "builtin:"

static bool is_after(const char *text, const char *prefix, const char **rest)
{
    size_t len = strlen(prefix);

    if (strncasecmp(text, prefix, len) != 0)
        return false;
    *rest = text + len;
    return true;
}

static bool has_bad_escape(const char *text)
{
    for (text = strchr(text, '%'); text; text = strchr(text + 1, '%')) {
        if (strspn(text + 1, DIGITS "ABCDEFabcdef") < 2)
            return true;
    }
    return false;
}

/* TEXT is what follows the host: nothing, a path, or a port and then a path. */
static const char *port_fault(const char *text)
{
    size_t digits;
    long port = 0;
    size_t i;

    if (*text != ':')
        return *text == '\0' || *text == '/' ? NULL : "has no usable host name";
    text++;
    digits = strspn(text, DIGITS);
    for (i = 0; i < digits && port <= 65535; i++)
        port = port * 10 + (text[i] - '0');
    if (port < 1 || port > 65535 || (text[digits] != '\0' && text[digits] != '/'))
        return "must have a port within 1..65535, or none";
    return NULL;
}

const char *url_fault(const char *url)
{
    const char *host, *end;

    if (strspn(url, LETTERS DIGITS "-._~:/[]@!$&'()*+,;=%?#") != strlen(url) || has_bad_escape(url))
        return "has a character that a URL cannot have; escape it";
    if (strncmp(url, BUILTIN, sizeof(BUILTIN) - 1) == 0) {
        host = url + sizeof(BUILTIN) - 1;
        return *host && strspn(host, LETTERS "-") == strlen(host) ? NULL : "must be builtin: and a name";
    }
    if (!is_after(url, "http://", &host) && !is_after(url, "https://", &host))
        return "must begin with http:// or https://";
    if (strpbrk(url, "?#"))
        return "must have neither query nor fragment: the name of a call is added to its path";
    if (memchr(host, '@', strcspn(host, "/")))
        return "must not have a user";
    if (*host == '[') {
        end = host + 1 + strspn(host + 1, DIGITS "ABCDEFabcdef:.");
        if (*end != ']' || end == host + 1)
            return "has no usable host name";
        return port_fault(end + 1);
    }
    end = host + strspn(host, LETTERS DIGITS "-._");
    return end == host || end - host > 253 ? "has no usable host name" : port_fault(end);
}
