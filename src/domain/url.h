/* The address of an adapter, as configuration documents have it. */
#ifndef SLUICE_DOMAIN_URL_H
#define SLUICE_DOMAIN_URL_H

/* NULL if URL can be called once a call's name is added to its path: http or https with a host, a port within 1..65535
 * if any, and a path; without user, query and fragment, all of it printable ASCII. Or "builtin:" and a word. Else what is wrong. */
const char *url_fault(const char *url);

#endif
