/* What the segments on the wire tell about the peer's state: RFC 9293 3.3.2, figure 5, seen from outside.
 *
 * Our own segments are taken to arrive; one that is lost is sent again and changes nothing twice. ladder.c
 * calls. */
#include "ladder.h"

void ladder_peer_init(struct ladder_peer *peer)
{
    *peer = (struct ladder_peer){.state = TCP_CLOSED, .fin = -1, .our_fin = -1};
}

static void learn(struct ladder_peer *peer, enum tcp_state state)
{
    peer->state = state;
    peer->known = true;
}

static void peer_sent_fin(struct ladder_peer *peer, int64_t fin, bool saw_our_fin)
{
    peer->fin = fin;
    if ((peer->state == TCP_CLOSE_WAIT || peer->state == TCP_CLOSED) && saw_our_fin)
        learn(peer, TCP_LAST_ACK);          /* CLOSED was too early a guess: our last ACK did not reach it */
    else if (peer->state == TCP_CLOSE_WAIT) /* both closed at once: it had not seen ours (figure 13) */
        learn(peer, TCP_FIN_WAIT_1);
    else if (peer->state == TCP_ESTABLISHED || peer->state == TCP_SYN_RECEIVED)
        learn(peer, TCP_FIN_WAIT_1);
}

void ladder_peer_sent(struct ladder_peer *peer, uint8_t flags, int64_t seq, uint32_t len, int64_t ack)
{
    bool saw_our_fin = (flags & TCP_ACK) && peer->our_fin >= 0 && ack > peer->our_fin;
    if (flags & TCP_RST)
        learn(peer, TCP_CLOSED);
    else if (flags & TCP_SYN)
        learn(peer, flags & TCP_ACK ? TCP_SYN_RECEIVED : TCP_SYN_SENT);
    else if (flags & TCP_FIN)
        peer_sent_fin(peer, seq + len, saw_our_fin);
    else if (saw_our_fin && peer->state == TCP_FIN_WAIT_1)
        learn(peer, TCP_CLOSING);
    else if (saw_our_fin && peer->state == TCP_ESTABLISHED)
        learn(peer, TCP_CLOSE_WAIT);
}

static void peer_got_syn(struct ladder_peer *peer, uint8_t flags)
{
    if (peer->state == TCP_SYN_SENT)
        learn(peer, flags & TCP_ACK ? TCP_ESTABLISHED : TCP_SYN_RECEIVED);
    else if (peer->state == TCP_SYN_RECEIVED && (flags & TCP_ACK))
        learn(peer, TCP_ESTABLISHED); /* both opened at once (figure 7) */
}

static void peer_got_ack(struct ladder_peer *peer, int64_t ack)
{
    if (peer->state == TCP_SYN_RECEIVED && ack > 0)
        learn(peer, TCP_ESTABLISHED);
    if (peer->fin < 0 || ack <= peer->fin)
        return;
    if (peer->state == TCP_FIN_WAIT_1)
        learn(peer, peer->our_fin >= 0 ? TCP_TIME_WAIT : TCP_FIN_WAIT_2);
    else if (peer->state == TCP_CLOSING)
        learn(peer, TCP_TIME_WAIT);
    else if (peer->state == TCP_LAST_ACK)
        learn(peer, TCP_CLOSED);
}

static void peer_got_fin(struct ladder_peer *peer, int64_t fin)
{
    peer->our_fin = fin;
    if (peer->state == TCP_ESTABLISHED)
        learn(peer, TCP_CLOSE_WAIT);
    else if (peer->state == TCP_FIN_WAIT_1)
        learn(peer, TCP_CLOSING);
    else if (peer->state == TCP_FIN_WAIT_2)
        learn(peer, TCP_TIME_WAIT);
}

void ladder_peer_got(struct ladder_peer *peer, uint8_t flags, int64_t seq, uint32_t len, int64_t ack)
{
    if (flags & TCP_RST) {
        learn(peer, TCP_CLOSED);
        return;
    }
    if (!peer->known)
        return; /* we knock; whether somebody listens, its answer will tell */
    if (flags & TCP_SYN)
        peer_got_syn(peer, flags);
    if ((flags & (TCP_ACK | TCP_SYN)) == TCP_ACK)
        peer_got_ack(peer, ack);
    if (flags & TCP_FIN)
        peer_got_fin(peer, seq + len);
}
