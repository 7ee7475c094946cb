/* Names of ports and addresses, from the system's own files and from nowhere else: nobody is asked over a network. */
#ifndef GLASS_NAMES_H
#define GLASS_NAMES_H

#include <stdbool.h>
#include <stdint.h>

struct names;

/* Reads /etc/services and the first NAMES_HOSTS_MAX entries of /etc/hosts (through services(5), hosts(5) of the C
 * library). NULL without memory: then nothing has a name. */
#define NAMES_HOSTS_MAX 4096
struct names *names_new(void);
void names_free(struct names *names);

/* The service at a port of TCP (6) or UDP (17), the first in the file; NULL: it has none, or `names` is NULL. */
const char *names_service(const struct names *names, uint8_t protocol, uint16_t port);

/* The host of an address, host byte order. NULL as above. */
const char *names_host(const struct names *names, uint32_t addr);

/* Whether there is a database of services at all: Debian has it in the package netbase. */
bool names_has_services(void);

#endif
