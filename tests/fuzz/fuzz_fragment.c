/* Fragments, RFC 791 3.2, RFC 815, RFC 5722: pieces of a few datagrams in any order, twice, overlapping, too
 * long, beside pieces that disagree. What is delivered must be one of the datagrams, byte for byte. */
#include "targets.h"
#include "world.h"

#include <assert.h>

#define WHOLES    6
#define WHOLE_MAX 66000 /* bytes: also more than IPv4 can carry */
#define BEYOND    2200  /* bytes after its end that pieces may carry */
#define PORT      9
#define SHARED_ID 7

struct whole {
    uint8_t bytes[WHOLE_MAX];
    size_t len;
    uint8_t protocol;
};

static struct {
    struct world w;
    struct sock *udp;
    struct whole whole[WHOLES];
    bool mixed; /* two datagrams went under one identification: what comes out is nobody's */
} y;

static void make_udp(struct whole *d, struct writer *w, uint32_t seed)
{
    put16(w, (uint16_t)(4000 + seed));
    put16(w, PORT);
    put16(w, (uint16_t)d->len);
    put16(w, 0); /* RFC 768: no checksum, so that wrong bytes are delivered and seen */
}

static void make_echo(struct whole *d, struct writer *w)
{
    put8(w, 8);
    put8(w, 0);
    put16(w, 0);
    put32(w, 0x00070001);
    poke16(d->bytes + 2, checksum_of(d->bytes, d->len));
}

/* The n-th datagram: its bytes follow from n, so that a reader knows them. */
static void make_whole(uint32_t n, size_t len)
{
    struct whole *d = &y.whole[n];
    struct writer w = writer_of(d->bytes, 8);
    d->protocol = n % 3 == 2 ? IP_ICMP : IP_UDP;
    d->len = len;
    size_t end = len + BEYOND < WHOLE_MAX ? len + BEYOND : WHOLE_MAX;
    for (size_t i = 8; i < end; i++)
        d->bytes[i] = stream_byte((uint32_t)i + n * 1000000);
    if (d->protocol == IP_UDP)
        make_udp(d, &w, n);
    else
        make_echo(d, &w);
}

static void send_piece(uint32_t n, uint16_t id, size_t offset, size_t len, uint8_t flags)
{
    static uint8_t bytes[IP_MTU_MAX];
    const struct whole *d = &y.whole[n];
    struct ip_fields f = {.src = WORLD_PEER, .dst = WORLD_US, .id = id, .protocol = d->protocol, .ttl = 64};
    f.offset = (uint32_t)offset;
    f.more_fragments = offset + len < d->len;
    if (flags & 1) /* a lie */
        f.more_fragments = !f.more_fragments;
    if (offset + len > WHOLE_MAX || len > IP_MTU_MAX - IP_HEADER_MIN)
        return;
    ip_fill(bytes, &f, len);
    memcpy(bytes + IP_HEADER_MIN, d->bytes + offset, len);
    world_input(&y.w, bytes, IP_HEADER_MIN + len);
}

/* A UDP datagram came out: of which one, its source port says. */
static void read_all(void)
{
    static uint8_t room[65536];
    struct endpoint from;
    for (ssize_t n; (n = sock_recvfrom(y.udp, room, sizeof room, 0, &from)) >= 0;) {
        uint32_t seed = from.port - 4000u;
        if (y.mixed)
            continue;
        assert(seed < WHOLES && (size_t)n + 8 == y.whole[seed].len);
        assert(memcmp(room, y.whole[seed].bytes + 8, (size_t)n) == 0);
    }
}

/* Echoes come back in fragments themselves when they are large; a whole one must be ours. */
static void hear(struct world *w, const struct packet *p, const uint8_t *bytes, size_t len)
{
    (void)w, (void)bytes, (void)len;
    if (p->protocol != IP_ICMP || p->icmp_type != 0)
        return;
    for (size_t i = 0; i < p->payload.len; i++)
        assert(p->payload.at[i] == stream_byte((uint32_t)i + 8 + 2 * 1000000) ||
               p->payload.at[i] == stream_byte((uint32_t)i + 8 + 5 * 1000000));
}

static void step(struct reader *in)
{
    uint8_t op = get8(in), flags = op >> 4 & 3;
    uint32_t n = (op & 7) % WHOLES;
    size_t len = y.whole[n].len, offset = (size_t)get16(in) * 8 % (len + 64), piece = get8(in) * 8u;
    bool last = offset + piece > len;
    if (last && !(flags & 2)) /* up to its end, not beyond */
        piece = len > offset ? len - offset : 0;
    y.mixed |= !(op & 8);
    send_piece(n, (uint16_t)(op & 8 ? n : SHARED_ID), offset, piece, flags);
    if (op & 0x40)
        world_settle(&y.w);
    if (op & 0x80)
        world_wait(&y.w, SEC(1) * get8(in));
    read_all();
}

void fuzz_fragment(const uint8_t *bytes, size_t len)
{
    struct reader in = reader_of(bytes, len), none = no_input();
    struct stack_config config;
    world_config(&config, &none);
    uint8_t bounds = get8(&in);
    config.reassembly_max = 1 + (bounds & 7);
    config.reassembly_size = bounds & 8 ? 4000 : 200000;
    y.udp = NULL;
    y.mixed = false;
    world_start(&y.w, &config);
    y.w.sent = hear;
    for (uint32_t n = 0; n < WHOLES; n++)
        make_whole(n, 8 + (n < 5 ? get8(&in) * 8u + n : (size_t)get16(&in)) % (WHOLE_MAX - 500));
    int error = sock_open(&y.w.stack, SOCK_UDP, &y.udp) || sock_bind(y.udp, (struct endpoint){0, PORT});
    assert(!error);
    (void)error;
    while (reader_left(&in) > 0)
        step(&in);
    world_settle(&y.w);
    world_end(&y.w);
}
