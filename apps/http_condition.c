/* Preconditions in the order of RFC 9110 13.2.2. Pure. Called by httpd.c for what would be a 200. */
#include "http_condition.h"
#include "http_date.h"

/* Whether a list of entity tags (or "*") names this one. RFC 9110 8.8.3.2: the weak comparison overlooks
 * "W/", the strong one never matches such a tag. A quoted tag holds no quote, so scanning from quote to quote
 * is enough. */
static bool names_etag(struct span list, const char *etag, bool weak_counts)
{
    if (list.len == 1 && list.at[0] == '*')
        return true;
    bool weak = false;
    for (size_t i = 0; i < list.len; i++) {
        if (list.at[i] == '"') {
            const uint8_t *close = memchr(list.at + i + 1, '"', list.len - i - 1);
            if (!close)
                return false;
            size_t len = (size_t)(close - list.at) + 1 - i;
            if (len == strlen(etag) && memcmp(list.at + i, etag, len) == 0 && (weak_counts || !weak))
                return true;
            i += len - 1;
        }
        weak = list.at[i] == '/' && i > 0 && list.at[i - 1] == 'W';
    }
    return false;
}

static bool modified_since(struct span text, const struct http_validators *v, bool if_no_date)
{
    time_t since;
    if (!http_date_parse(text, v->now, &since))
        return if_no_date;
    return v->modified > since;
}

int http_condition(const struct http_request *r, const uint8_t *bytes, const struct http_validators *v)
{
    const struct http_piece *f = r->field;
    if (http_has(r, FIELD_IF_MATCH)) {
        if (!names_etag(http_text(bytes, f[FIELD_IF_MATCH]), v->etag, false))
            return 412;
    } else if (http_has(r, FIELD_IF_UNMODIFIED_SINCE)) {
        if (modified_since(http_text(bytes, f[FIELD_IF_UNMODIFIED_SINCE]), v, false))
            return 412;
    }
    if (http_has(r, FIELD_IF_NONE_MATCH))
        return names_etag(http_text(bytes, f[FIELD_IF_NONE_MATCH]), v->etag, true) ? 304 : 200;
    if (http_has(r, FIELD_IF_MODIFIED_SINCE))
        return modified_since(http_text(bytes, f[FIELD_IF_MODIFIED_SINCE]), v, true) ? 200 : 304;
    return 200;
}

bool http_range_applies(const struct http_request *r, const uint8_t *bytes, const struct http_validators *v)
{
    if (r->method != HTTP_GET || !http_has(r, FIELD_RANGE)) /* RFC 9110 14.2: defined for GET alone */
        return false;
    if (!http_has(r, FIELD_IF_RANGE))
        return true;
    struct span text = http_text(bytes, r->field[FIELD_IF_RANGE]);
    if (text.len > 0 && text.at[text.len - 1] == '"')
        return names_etag(text, v->etag, false);
    time_t date;
    return http_date_parse(text, v->now, &date) && date == v->modified && v->modified < v->now;
}
