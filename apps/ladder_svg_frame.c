/* What every ladder's picture has: the SVG 1.1 document around it, with one style sheet for light and for
 * dark. Only generic font families, nothing from elsewhere, no script. ladder_svg.c and its parts draw
 * into it. */
#include "ladder_svg.h"

#include <string.h>

/* Middle tones, which stand out on white and on black. */
static const char *const state_colour[TCP_STATES] = {
    [TCP_CLOSED] = "#8a8f98",       [TCP_LISTEN] = "#5f87af",      [TCP_SYN_SENT] = "#d9a400",
    [TCP_SYN_RECEIVED] = "#e07b00", [TCP_ESTABLISHED] = "#2da44e", [TCP_FIN_WAIT_1] = "#3b82f6",
    [TCP_FIN_WAIT_2] = "#22a7c4",   [TCP_CLOSE_WAIT] = "#a855f7",  [TCP_CLOSING] = "#ec4899",
    [TCP_LAST_ACK] = "#7c5cff",     [TCP_TIME_WAIT] = "#14998a",
};

/* Each colour once for light, and again for whoever prefers dark. */
static const char light[] = ".paper{fill:#ffffff}.ink{fill:#1f2328}.soft{fill:#59636e}.pole{stroke:#59636e}\n"
                            ".data{stroke:#2f6f44;fill:#2f6f44}.sync{stroke:#8a5a00;fill:#8a5a00}\n"
                            ".bad{stroke:#c81e1e;fill:#c81e1e}.warn{fill:#c81e1e}\n";
static const char dark[] = ".paper{fill:#0d1117}.ink{fill:#e6edf3}.soft{fill:#9aa4af}.pole{stroke:#9aa4af}\n"
                           ".data{stroke:#5bd07f;fill:#5bd07f}.sync{stroke:#e3b341;fill:#e3b341}\n"
                           ".bad{stroke:#ff7b72;fill:#ff7b72}.warn{fill:#ff7b72}\n";

static const char fixed[] =
    "text{font-family:monospace;font-size:12px}\n"
    ".head{font-family:sans-serif;font-size:15px;font-weight:bold}\n"
    ".state{font-family:sans-serif;font-size:12px;font-weight:bold}\n"
    ".inferred{font-style:italic;font-weight:normal}\n"
    ".rule{font-family:sans-serif;font-size:11px;font-style:italic}\n"
    ".remark{font-family:sans-serif;font-weight:bold}\n"
    ".time{font-size:11px}.label{font-weight:bold}\n"
    ".pole{stroke-width:1.5}.line{stroke-width:1.6;fill:none}.again{stroke-dasharray:7 3}\n"
    ".cross{stroke-width:2.6;fill:none}.guess{opacity:.55}.cover{opacity:.85}\n";

/* --- text --- */

/* How many bytes the character at `c` has in UTF-8, 0 when it is none that XML may hold. */
static size_t character_length(const unsigned char *c)
{
    size_t n = c[0] < 0x80                   ? 1
               : c[0] >= 0xc2 && c[0] < 0xe0 ? 2
               : c[0] >= 0xe0 && c[0] < 0xf0 ? 3
               : c[0] >= 0xf0 && c[0] < 0xf5 ? 4
                                             : 0;
    if (c[0] < 0x20 || c[0] == 0x7f)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    bool is_bad = (c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
                  (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f) ||
                  (c[0] == 0xef && c[1] == 0xbf && c[2] >= 0xbe);
    return is_bad ? 0 : n;
}

static void escaped(FILE *out, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c;) {
        size_t n = character_length(c);
        if (*c == '&')
            fputs("&amp;", out);
        else if (*c == '<')
            fputs("&lt;", out);
        else if (*c == '>')
            fputs("&gt;", out);
        else if (n == 0)
            fputc('?', out);
        else
            fwrite(c, 1, n, out);
        c += n ? n : 1;
    }
}

static void write_text(FILE *out, int x, int y, const char *classes, const char *anchor, const char *text,
                       bool covers)
{
    int width = (int)strlen(text) * (strncmp(classes, "rule", 4) == 0 ? 57 : 72) / 10 + 4;
    int left = *anchor == 's' ? x - 2 : *anchor == 'e' ? x - width + 2 : x - width / 2;
    if (left < SVG_LEFT + 2)
        left = SVG_LEFT + 2;
    if (left + width > SVG_RIGHT - 2)
        width = SVG_RIGHT - 2 - left;
    if (*text == '\0')
        return;
    if (covers)
        fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"14\" class=\"paper cover\"/>\n", left,
                y - 11, width);
    fprintf(out, "<text x=\"%d\" y=\"%d\" class=\"%s\"", x, y, classes);
    if (strcmp(anchor, "start") != 0)
        fprintf(out, " text-anchor=\"%s\"", anchor);
    fputs(" xml:space=\"preserve\">", out);
    escaped(out, text);
    fputs("</text>\n", out);
}

void svg_text(FILE *out, int x, int y, const char *classes, const char *anchor, const char *text)
{
    write_text(out, x, y, classes, anchor, text, false);
}

void svg_text_over(FILE *out, int x, int y, const char *classes, const char *anchor, const char *text)
{
    write_text(out, x, y, classes, anchor, text, true);
}

/* --- the document --- */

void svg_state_class(enum tcp_state state, char to[8])
{
    snprintf(to, 8, "s%u", (unsigned)state % 100);
}

static void style_sheet(FILE *out)
{
    fprintf(out, "<style>\n%s%stext.label,text.bad,marker path{stroke:none}\n", fixed, light);
    for (unsigned i = 0; i < TCP_STATES; i++)
        fprintf(out, ".s%u{fill:%s}", i, state_colour[i]);
    fprintf(out, "\n@media (prefers-color-scheme: dark) {\n%s}\n</style>\n", dark);
}

/* One for each colour of a line: what a line points with has no way to take the line's own. */
static void arrow_heads(FILE *out)
{
    static const char *const colours[] = {"data", "sync", "bad"};
    fputs("<defs>\n", out);
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++)
        fprintf(out,
                "<marker id=\"head-%s\" viewBox=\"0 0 10 9\" refX=\"10\" refY=\"4.5\" markerWidth=\"10\" "
                "markerHeight=\"9\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">"
                "<path d=\"M10 4.5L0 0v9z\" class=\"%s\"/></marker>\n",
                colours[i], colours[i]);
    fputs("</defs>\n", out);
}

void svg_begin(FILE *out, int height, const char *title, const char *description)
{
    fprintf(out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\" role=\"img\" aria-labelledby=\"title desc\">\n<title id=\"title\">",
            SVG_WIDTH, height, SVG_WIDTH, height);
    escaped(out, title);
    fputs("</title>\n<desc id=\"desc\">", out);
    escaped(out, description);
    fputs("</desc>\n", out);
    style_sheet(out);
    arrow_heads(out);
    fprintf(out, "<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n", SVG_WIDTH, height);
}

void svg_end(FILE *out)
{
    fputs("</svg>\n", out);
}
