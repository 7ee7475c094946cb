/* The table behind rules.h. */
#include "rules.h"

const struct rule_info *rule_info(enum rule which)
{
#define X(name, rfc, section, sentence) {rfc, section, sentence},
    static const struct rule_info table[RULE_COUNT] = {RULES(X)};
#undef X
    return &table[which];
}
