/* A frame as one run of bytes: for captures, for tests, for devices that take no iovec. */
#include "frame.h"

size_t frame_gather(const struct frame *f, uint8_t *to, size_t room)
{
    struct writer w = writer_of(to, room);
    put_bytes(&w, f->head, f->head_len);
    for (int i = 0; i < FRAME_SPANS; i++)
        put_bytes(&w, f->body[i].at, f->body[i].len);
    return w.bad ? 0 : frame_len(f);
}
