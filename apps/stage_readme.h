/* pcaps/README.md: every capture read packet by packet, written by the laboratory: it cannot go stale. */
#ifndef GLASS_STAGE_README_H
#define GLASS_STAGE_README_H

#include <stdio.h>
#include "stage_engine.h"

struct stage_readme;

void stage_readme_head(FILE *out);
void stage_readme_group(FILE *out, const struct scenario_group *group);

/* The section of one scenario: written while it is played with that sink. NULL: no memory. */
struct stage_readme *stage_readme_new(FILE *out, const struct scenario *scenario, struct stage_sink *sink);
void stage_readme_free(struct stage_readme *readme); /* NULL is allowed */

#endif
