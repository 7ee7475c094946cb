/* The head of an HTTP/1.1 request. RFC 9112 2.2 (lines), 3 (request line), 5 (fields), 6 (body framing), 9.3
 * (persistence); RFC 9110 5.6.2 (tokens), 7.2 (Host), 8.6 (Content-Length). Strict where leniency has been
 * used to smuggle requests: only CRLF ends a line, nothing is folded, framing is said once and one way.
 * Called by httpd.c. */
#include "http_parse.h"

#define BAD_REQUEST         400
#define CONTENT_TOO_LARGE   413
#define URI_TOO_LONG        414
#define FIELDS_TOO_LARGE    431
#define NOT_IMPLEMENTED     501
#define VERSION_UNSUPPORTED 505

#define LINE_MAX_BYTES (HTTP_TARGET_MAX + 64) /* of the request line: method, version and spaces on top */
#define LENGTH_DIGITS  18                     /* of a Content-Length that still fits 64 bits */

struct field_rule {
    const char *name;
    bool once; /* a second one is an error, not a list */
};

static const struct field_rule field_rules[FIELD_COUNT] = {
    [FIELD_HOST] = {"host", true},
    [FIELD_CONTENT_LENGTH] = {"content-length", true},
    [FIELD_TRANSFER_ENCODING] = {"transfer-encoding", true},
    [FIELD_CONNECTION] = {"connection", false},
    [FIELD_EXPECT] = {"expect", false},
    [FIELD_RANGE] = {"range", true},
    [FIELD_IF_RANGE] = {"if-range", true},
    [FIELD_IF_MATCH] = {"if-match", false},
    [FIELD_IF_NONE_MATCH] = {"if-none-match", false},
    [FIELD_IF_MODIFIED_SINCE] = {"if-modified-since", true},
    [FIELD_IF_UNMODIFIED_SINCE] = {"if-unmodified-since", true},
    [FIELD_REFERER] = {"referer", false},
    [FIELD_USER_AGENT] = {"user-agent", false},
};

void http_parser_init(struct http_parser *p)
{
    *p = (struct http_parser){0};
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

bool http_same(struct span text, const char *word)
{
    for (size_t i = 0; i < text.len; i++) {
        if (word[i] == '\0' || lower(text.at[i]) != lower((uint8_t)word[i]))
            return false;
    }
    return word[text.len] == '\0';
}

static bool is_alnum(uint8_t c)
{
    return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9');
}

/* RFC 9110 5.6.2 */
static bool is_token(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!is_alnum(s.at[i]) && !(s.at[i] && strchr("!#$%&'*+-.^_`|~", s.at[i])))
            return false;
    }
    return s.len > 0;
}

/* Visible ASCII without '#'. RFC 3986 allows less; browsers send '|', '[' and the like as they are. */
static bool is_target(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] <= 0x20 || s.at[i] >= 0x7f || s.at[i] == '#')
            return false;
    }
    return s.len > 0;
}

/* RFC 9110 7.2: uri-host [":" port]; no user part, RFC 9110 4.2.4. */
static bool is_authority(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (!is_alnum(s.at[i]) && !(s.at[i] && strchr("-._~%!$&'()*+,;=:[]", s.at[i])))
            return false;
    }
    return true;
}

/* The part of s before the first `stop`; s keeps what follows it. Without one, all of s. */
static struct span cut(struct span *s, uint8_t stop)
{
    const uint8_t *found = s->len ? memchr(s->at, stop, s->len) : NULL;
    struct span before = {s->at, found ? (size_t)(found - s->at) : s->len};
    size_t used = before.len + (found ? 1 : 0);
    *s = (struct span){s->at + used, s->len - used};
    return before;
}

/* Without spaces and tabs at both ends: OWS, RFC 9110 5.6.3. */
static struct span trim(struct span s)
{
    while (s.len > 0 && (s.at[0] == ' ' || s.at[0] == '\t'))
        s = (struct span){s.at + 1, s.len - 1};
    while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static struct http_piece piece_of(const uint8_t *bytes, struct span s)
{
    return (struct http_piece){(uint16_t)(s.at - bytes), (uint16_t)s.len};
}

/* Methods are case-sensitive, RFC 9110 9.1. */
static enum http_method method_of(struct span s)
{
    static const char *const others[] = {"POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"};
    if (s.len == 3 && memcmp(s.at, "GET", 3) == 0)
        return HTTP_GET;
    if (s.len == 4 && memcmp(s.at, "HEAD", 4) == 0)
        return HTTP_HEAD;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (s.len == strlen(others[i]) && memcmp(s.at, others[i], s.len) == 0)
            return HTTP_OTHER;
    }
    return HTTP_UNKNOWN;
}

/* RFC 9112 2.3: "HTTP/" DIGIT "." DIGIT. A minor version above ours is served as ours, RFC 9110 2.5. */
static int version(struct http_request *r, struct span s)
{
    if (s.len != 8 || memcmp(s.at, "HTTP/", 5) != 0 || s.at[6] != '.')
        return BAD_REQUEST;
    if (s.at[5] < '0' || s.at[5] > '9' || s.at[7] < '0' || s.at[7] > '9')
        return BAD_REQUEST;
    if (s.at[5] != '1')
        return VERSION_UNSUPPORTED;
    r->minor = s.at[7] == '0' ? 0 : 1;
    return HTTP_MORE;
}

/* RFC 9112 3.2: origin-form and absolute-form; the others only with methods that get 405 anyway. */
static int target(struct http_request *r, const uint8_t *bytes, struct span s)
{
    if (!is_target(s))
        return BAD_REQUEST;
    if (s.len > HTTP_TARGET_MAX)
        return URI_TOO_LONG;
    r->target = piece_of(bytes, s);
    if (s.at[0] == '/' || r->method == HTTP_OTHER || r->method == HTTP_UNKNOWN)
        return HTTP_MORE;

    const size_t scheme = strlen("http://");
    if (s.len <= scheme || !http_same((struct span){s.at, scheme}, "http://"))
        return BAD_REQUEST;
    struct span rest = {s.at + scheme, s.len - scheme};
    size_t end = 0;
    while (end < rest.len && rest.at[end] != '/' && rest.at[end] != '?')
        end++;
    if (end == 0 || !is_authority((struct span){rest.at, end}))
        return BAD_REQUEST;
    r->target = piece_of(bytes, (struct span){rest.at + end, rest.len - end});
    return HTTP_MORE;
}

/* RFC 9112 3: method SP request-target SP HTTP-version, each space exactly one. */
static int request_line(struct http_parser *p, const uint8_t *bytes, struct span line)
{
    struct span method = cut(&line, ' ');
    struct span where = cut(&line, ' ');
    if (!is_token(method))
        return BAD_REQUEST;
    p->request.method = method_of(method);
    int verdict = version(&p->request, line);
    if (verdict == HTTP_MORE)
        verdict = target(&p->request, bytes, where);
    p->started = true;
    return verdict;
}

/* RFC 9110 8.6: digits, one value. */
static int content_length(struct http_request *r, struct span value)
{
    if (value.len == 0)
        return BAD_REQUEST;
    uint64_t length = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] < '0' || value.at[i] > '9')
            return BAD_REQUEST;
        if (i < LENGTH_DIGITS)
            length = length * 10 + (value.at[i] - '0');
    }
    if (value.len > LENGTH_DIGITS)
        return CONTENT_TOO_LARGE;
    r->content_length = length;
    return HTTP_MORE;
}

/* RFC 9112 6.1: an unknown coding gets 501; a transfer coding in HTTP/1.0 is faulty framing. */
static int transfer_encoding(struct http_request *r, struct span value)
{
    if (r->minor == 0)
        return BAD_REQUEST;
    if (!http_same(value, "chunked"))
        return NOT_IMPLEMENTED;
    r->chunked = true;
    return HTTP_MORE;
}

static int connection(struct http_parser *p, struct span value)
{
    while (value.len > 0) {
        struct span option = trim(cut(&value, ','));
        p->says_close |= http_same(option, "close");
        p->says_keep_alive |= http_same(option, "keep-alive");
    }
    return HTTP_MORE;
}

static int known_field(struct http_parser *p, const uint8_t *bytes, enum http_field field, struct span value)
{
    struct http_request *r = &p->request;
    if (http_has(r, field) && field_rules[field].once)
        return BAD_REQUEST;
    if (!http_has(r, field)) /* of a repeated list the first line counts, Connection apart */
        r->field[field] = piece_of(bytes, value);
    r->present |= 1u << field;
    switch (field) {
    case FIELD_HOST:
        return is_authority(value) ? HTTP_MORE : BAD_REQUEST;
    case FIELD_CONTENT_LENGTH:
        return content_length(r, value);
    case FIELD_TRANSFER_ENCODING:
        return transfer_encoding(r, value);
    case FIELD_CONNECTION:
        return connection(p, value);
    case FIELD_EXPECT: /* RFC 9110 10.1.1: ignored in HTTP/1.0 */
        r->expects_continue |= r->minor > 0 && http_same(value, "100-continue");
        return HTTP_MORE;
    default:
        return HTTP_MORE;
    }
}

/* RFC 9112 5: name ":" OWS value OWS. White space in or before the name is an error (5.1), and so is a line
 * that begins with it (5.2): the name would not be a token. */
static int field_line(struct http_parser *p, const uint8_t *bytes, struct span line)
{
    if (p->fields == HTTP_FIELDS_MAX)
        return FIELDS_TOO_LARGE;
    p->fields++;
    bool colon = memchr(line.at, ':', line.len) != NULL;
    struct span name = cut(&line, ':');
    if (!colon || !is_token(name))
        return BAD_REQUEST;
    for (int field = 0; field < FIELD_COUNT; field++) {
        if (http_same(name, field_rules[field].name))
            return known_field(p, bytes, (enum http_field)field, trim(line));
    }
    return HTTP_MORE;
}

static int end_of_head(struct http_parser *p)
{
    struct http_request *r = &p->request;
    if (r->minor > 0 && !http_has(r, FIELD_HOST)) /* RFC 9112 3.2 */
        return BAD_REQUEST;
    if (r->chunked && http_has(r, FIELD_CONTENT_LENGTH)) /* RFC 9112 6.3: smells of smuggling */
        return BAD_REQUEST;
    r->close = p->says_close || (r->minor == 0 && !p->says_keep_alive); /* RFC 9112 9.3 */
    r->head_len = p->seen;
    return HTTP_DONE;
}

static int end_of_line(struct http_parser *p, const uint8_t *bytes, struct span line)
{
    p->line = p->seen;
    if (p->started)
        return line.len > 0 ? field_line(p, bytes, line) : end_of_head(p);
    if (line.len > 0)
        return request_line(p, bytes, line);
    return ++p->blanks <= HTTP_BLANKS_MAX ? HTTP_MORE : BAD_REQUEST;
}

/* One more byte of a line without its end: is it still within bounds? */
static int check_limits(const struct http_parser *p)
{
    if (!p->started && p->seen - p->line > LINE_MAX_BYTES)
        return URI_TOO_LONG;
    return p->seen < HTTP_HEAD_MAX ? HTTP_MORE : FIELDS_TOO_LARGE;
}

/* RFC 9112 2.2: a line ends with CRLF and nothing else, and a bare CR is never harmless. RFC 9110 5.5: no
 * control characters but the tab. */
static int take_byte(struct http_parser *p, const uint8_t *bytes)
{
    uint8_t c = bytes[p->seen++];
    if (p->after_cr) {
        p->after_cr = false;
        struct span line = {bytes + p->line, p->seen - 2 - p->line};
        int verdict = c == '\n' ? end_of_line(p, bytes, line) : BAD_REQUEST;
        return verdict == HTTP_MORE ? check_limits(p) : verdict;
    }
    if (c == '\r')
        p->after_cr = true;
    else if ((c < 0x20 && c != '\t') || c == 0x7f)
        return BAD_REQUEST;
    if (!p->started)
        p->request.line = (struct http_piece){(uint16_t)p->line, (uint16_t)(p->seen - p->line - p->after_cr)};
    return check_limits(p);
}

int http_parse(struct http_parser *p, const uint8_t *bytes, size_t len)
{
    int verdict = HTTP_MORE;
    while (verdict == HTTP_MORE && p->seen < len)
        verdict = take_byte(p, bytes);
    return verdict;
}
