/* What the laboratory leaves behind: captures, and the README that reads them. */
#ifndef GLASS_STAGE_PCAP_H
#define GLASS_STAGE_PCAP_H

#include "stage_engine.h"

/* All that the capturing host saw, in virtual time from STAGE_EPOCH. 0 or a negative errno value. */
int stage_pcap_write(const struct stage *st, const char *path);

/* Plays every scenario and writes NAME.pcap, README.md and expected.txt (what tshark's analysis is to say)
 * into that directory. The exit status of the program. */
int stage_pcap_all(const char *directory);

#endif
