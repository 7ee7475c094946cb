/* All scenarios: the groups in the order of the list, and names as people mistype them.
 *
 * A new group of scenarios is entered here. Called by lab_command.c and by the tests. */
#include "stage_engine.h"

#include <string.h>

const struct scenario_group *const scenario_groups[] = {
    &scenarios_opening, &scenarios_data,    &scenarios_loss,     &scenarios_congestion,
    &scenarios_closing, &scenarios_attacks, &scenarios_breaking, &scenarios_breaking_close,
};
const size_t scenario_group_count = sizeof scenario_groups / sizeof *scenario_groups;

const struct scenario *scenario_find(const char *name)
{
    for (size_t g = 0; g < scenario_group_count; g++)
        for (size_t i = 0; i < scenario_groups[g]->count; i++)
            if (strcmp(scenario_groups[g]->scenario[i].name, name) == 0)
                return &scenario_groups[g]->scenario[i];
    return NULL;
}

#define LONGEST 40

/* How many letters must be added, taken away or changed (Levenshtein). */
static size_t distance(const char *a, const char *b)
{
    size_t row[LONGEST + 1], n = strnlen(b, LONGEST);
    for (size_t i = 0; i <= n; i++)
        row[i] = i;
    for (; *a; a++) {
        size_t diagonal = row[0]++;
        for (size_t i = 1; i <= n; i++) {
            size_t change = diagonal + (*a != b[i - 1]);
            size_t least = row[i] < row[i - 1] ? row[i] + 1 : row[i - 1] + 1;
            diagonal = row[i];
            row[i] = change < least ? change : least;
        }
    }
    return row[n];
}

const char *scenario_closest(const char *name)
{
    const char *best = NULL;
    size_t least = (size_t)-1;
    if (strlen(name) > LONGEST)
        return "handshake";
    for (size_t g = 0; g < scenario_group_count; g++)
        for (size_t i = 0; i < scenario_groups[g]->count; i++) {
            const char *known = scenario_groups[g]->scenario[i].name;
            size_t d = strstr(known, name) ? 0 : distance(name, known);
            if (d < least) {
                least = d;
                best = known;
            }
        }
    return best;
}
