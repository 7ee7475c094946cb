/* The pages that the server writes itself. Each is whole HTML that needs nothing else. */
#ifndef GLASS_HTTP_PAGE_H
#define GLASS_HTTP_PAGE_H

#include "../stack/wire.h"
#include "http_path.h"
#include "text.h"

#define HTTP_PAGE_MAX    (1u << 20) /* bytes of one page; a directory page says so when it had to stop */
#define HTTP_ENTRIES_MAX 4096       /* names on a directory page */

const char *http_reason(int status); /* "Not Found", RFC 9110 15 */

/* What answers when no folder is shared: who served this, over which connection. */
void http_page_welcome(struct text *page, struct endpoint local, struct endpoint remote, struct span line);

/* The files and folders of `fd` (which it closes) that the server would give: no links, no special files. 0
 * or a negative errno value. */
int http_page_directory(struct text *page, int fd, const struct http_path *path);

void http_page_error(struct text *page, int status);

#endif
