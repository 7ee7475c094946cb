/* The errno values that the socket calls give, by name: what a program, a manual page and strace(1) call them. */
#ifndef GLASS_ERRNO_NAME_H
#define GLASS_ERRNO_NAME_H

/* "EAGAIN" of a positive errno value; NULL when the stack never gives it. */
const char *errno_name(int error);

#endif
