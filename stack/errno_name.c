/* The names of errno values. The core calls no strerror, which depends on a locale; event_text.c asks here.
 */
#include "errno_name.h"

#include <errno.h>
#include <stddef.h>

const char *errno_name(int error)
{
    static const struct {
        int error;
        const char *name;
    } table[] = {
        {EACCES, "EACCES"},
        {EADDRINUSE, "EADDRINUSE"},
        {EADDRNOTAVAIL, "EADDRNOTAVAIL"},
        {EAGAIN, "EAGAIN"},
        {EALREADY, "EALREADY"},
        {ECONNABORTED, "ECONNABORTED"},
        {ECONNREFUSED, "ECONNREFUSED"},
        {ECONNRESET, "ECONNRESET"},
        {EDESTADDRREQ, "EDESTADDRREQ"},
        {EHOSTUNREACH, "EHOSTUNREACH"},
        {EINPROGRESS, "EINPROGRESS"},
        {EINVAL, "EINVAL"},
        {EISCONN, "EISCONN"},
        {EMSGSIZE, "EMSGSIZE"},
        {ENETUNREACH, "ENETUNREACH"},
        {ENOBUFS, "ENOBUFS"},
        {ENOPROTOOPT, "ENOPROTOOPT"},
        {ENOTCONN, "ENOTCONN"},
        {EOPNOTSUPP, "EOPNOTSUPP"},
        {EPIPE, "EPIPE"},
        {EPROTO, "EPROTO"},
        {ETIMEDOUT, "ETIMEDOUT"},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].error == error)
            return table[i].name;
    return NULL;
}
