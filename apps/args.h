/* Arguments of the commands: numbers, addresses, names; one clear line for what is wrong. */
#ifndef GLASS_ARGS_H
#define GLASS_ARGS_H

#include <stdbool.h>
#include <stdint.h>

/* Prints "COMMAND: text (see COMMAND --help)" on standard error and returns EXIT_USAGE. */
int arg_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The whole of `text` as a decimal number from min to max; no sign, no blanks. */
bool arg_number(const char *text, int64_t min, int64_t max, int64_t *out);

/* "10.7.0.2", host byte order: four decimal numbers, no leading zeros, nothing behind. */
bool arg_addr(const char *text, uint32_t *addr);

/* "10.7.0.2/24": an address that a host may have, prefix length 8 to 30. */
bool arg_cidr(const char *text, uint32_t *addr, uint8_t *prefix);

/* "NAME" or "1..65535": a port, by number or by the name of a textbook service (echo, discard, daytime, chargen,
 * http). */
bool arg_port(const char *text, uint16_t *port);

#endif
