/*
 * Copyright (c) 2026 The Open vSwitch VMQ developers.
 *
 * Licensed under the Apache License, Version 2.0 (the "License");
 * you may not use this file except in compliance with the License.
 * You may obtain a copy of the License at:
 *
 *     http://www.apache.org/licenses/LICENSE-2.0
 *
 * Unless required by applicable law or agreed to in writing, software
 * distributed under the License is distributed on an "AS IS" BASIS,
 * WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
 * See the License for the specific language governing permissions and
 * limitations under the License.
 */

/* Paced traffic through vhost-user ports, and a full account of it.
 *
 * Each port is a source, with a rate and a number of flows for each of its
 * queues, and a receiver for what other ports send to it.  One thread does it
 * all: every burst period it receives what is there, sends what is due, and
 * sleeps.  See vmq-traffic(8) for the user's view.
 *
 * A packet is in one of these places at the end, and never in two:
 *
 *     due = skipped + no_link + tx_full + sent
 *     sent = received + lost
 *
 * Everything is counted by its sender's stream, which is a queue of a port. */

#include <config.h>

#include <errno.h>
#ifdef VMQ_COVERAGE
#include <gcov.h>
#endif
#include <getopt.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>
#include <rte_byteorder.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_udp.h>

#include "vmq-traffic-control.h"
#include "vmq-hist.h"
#include "vmq-traffic-onset.h"
#include "vmq-traffic-port.h"
#include "vmq-traffic-schedule.h"
#include "vmq-traffic-seq.h"

#define NSEC_PER_SEC UINT64_C(1000000000)
#define NSEC_PER_MSEC UINT64_C(1000000)
#define NSEC_PER_USEC UINT64_C(1000)

/* Packets of one call to the driver. */
#define BURST 32

/* How often links, control channel and schedule are looked at, and how long
 * the longest sleep is.  A receive ring of 1024 entries is full after that
 * time at 1 Mpps, which is more than this program handles. */
#define TICK_NS NSEC_PER_MSEC

/* After a packet was sent or received, more are to be expected: for that long
 * the next sleep is a burst period, not a tick. */
#define BUSY_NS (2 * NSEC_PER_MSEC)

/* At the end, how long nothing must arrive, and when to give up. */
#define QUIET_NS (200 * NSEC_PER_MSEC)
#define DRAIN_NS (2 * NSEC_PER_SEC)

#define PAYLOAD_MAGIC 0x564d5154        /* "VMQT". */

#define HEADER_LEN (sizeof(struct rte_ether_hdr)        \
                    + sizeof(struct rte_ipv4_hdr)       \
                    + sizeof(struct rte_udp_hdr))
#define MIN_FRAME_LEN (HEADER_LEN + sizeof(struct payload))
#define MAX_FRAME_LEN 1514

/* UDP destination port of stream 0; stream N has N more. */
#define UDP_BASE 7000

enum {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_NO_LINK = 3
};

/* What follows the UDP header, in host byte order: it never leaves the host.
 */
struct payload {
    uint32_t magic;
    uint32_t run;               /* Tells our packets from other processes'. */
    uint8_t port;               /* Stream: port... */
    uint8_t queue;              /* ...and queue that sent it. */
    uint8_t to;                 /* Port that should receive it. */
    uint8_t reserved;
    uint16_t flow;
    uint16_t epoch;             /* Stream's 'epoch' when sent. */
    uint64_t seq;               /* Within the flow, from 0. */
    uint64_t tsc;               /* When sent. */
} __attribute__((packed));

/* A flow of a stream, from both ends. */
struct flow {
    uint64_t sent;              /* Also the next sequence number. */
    struct vmq_seq seq;
    uint64_t last_tsc;          /* Last arrival. */
    uint64_t max_gap;           /* TSC cycles. */
    uint32_t duplicated;
    uint32_t reordered;
    uint16_t last_epoch;        /* Of the last arrival. */
};

struct stream {
    struct vmq_port *port;
    uint16_t queue;
    unsigned int number;        /* Index among all streams. */
    unsigned int port_number;

    /* Sending.  The number of packets due since 'anchor' is 'phase' +
     * 'pps' * time; 'claimed' of them have been dealt with. */
    double pps;
    uint64_t anchor;            /* CLOCK_MONOTONIC, ns. */
    double phase;               /* Fraction of a packet. */
    uint64_t claimed;
    unsigned int to;            /* Index of the receiving port. */
    unsigned int n_flows;       /* In use now. */
    unsigned int cursor;        /* Flow of the next packet. */
    uint16_t epoch;             /* Changes with every new rate. */
    uint8_t header[HEADER_LEN]; /* For flow 0. */
    uint32_t ip_sum;            /* Sum of the IP header, for flow 0. */

    uint64_t sent;
    uint64_t tx_full;
    uint64_t skipped;
    uint64_t no_link;

    /* Flows ever used: 'n_used' of 'n_allocated'. */
    struct flow *flows;
    unsigned int n_used;
    unsigned int n_allocated;

    /* Receiving. */
    uint64_t received;          /* Distinct packets. */
    uint64_t duplicated;
    uint64_t reordered;
    uint64_t misdelivered;      /* Arrived at another port than 'to'. */
    uint64_t last_tsc;
    uint16_t last_epoch;
    uint64_t max_gap;           /* Between any two packets of the stream. */
    uint64_t max_gap_at;        /* TSC at its end. */
    uint64_t max_flow_gap;      /* Between two packets of one flow. */
    uint64_t max_flow_gap_at;
    unsigned int max_flow_gap_flow;
    struct vmq_hist latency;    /* TSC cycles. */
    struct vmq_onset onset;     /* Since 'epoch'. */
};

enum phase {
    PHASE_LINK,                 /* Waiting for the links. */
    PHASE_SETTLE,               /* Until the switch had time to set up. */
    PHASE_RUN,
    PHASE_DRAIN,
    PHASE_DONE
};

struct traffic {
    /* Settings. */
    struct vmq_port ports[VMQ_MAX_PORTS];
    unsigned int queues[VMQ_MAX_PORTS];
    size_t n_ports;
    int sink;                   /* -1: the last port (only for a while). */
    struct vmq_schedule schedule;
    struct vmq_ports_config config;
    double duration;            /* Seconds, or HUGE_VAL. */
    double wait_link;           /* Seconds, or -1 not to wait. */
    double settle;              /* Seconds. */
    double catch_up;            /* Seconds. */
    uint64_t period;            /* ns. */
    unsigned int frame_len;
    const char *control_path;
    const char *json_path;
    bool per_flow;
    bool hold;                  /* Wait for the "start" command. */

    /* State. */
    struct rte_mempool *mp;
    struct vmq_control *control;
    struct stream *streams[VMQ_MAX_PORTS][VMQ_MAX_PORT_QUEUES];
    struct stream *all[VMQ_MAX_QUEUES];
    size_t n_streams;
    uint32_t run;
    enum phase phase;
    uint64_t phase_start;       /* CLOCK_MONOTONIC, ns. */
    size_t next_step;           /* In 'schedule'. */
    uint64_t start;             /* Time 0 of the schedule, ns. */
    uint64_t deadline;          /* When sending is to end, ns. */
    uint64_t end;               /* When it did. */
    uint64_t start_tsc;
    uint64_t last_rx;           /* ns. */
    uint64_t last_active;       /* Last packet sent or received, ns. */
    bool drained;
    bool quit;                  /* Asked to by the control channel. */
    const char *reason;
    uint64_t foreign[VMQ_MAX_PORTS];    /* Packets that are not ours. */
    uint64_t arrived[VMQ_MAX_PORTS];    /* Packets that are. */
    uint64_t rx_full[VMQ_MAX_PORTS];    /* Receive rings found full. */

    /* The program's own behaviour while it sends. */
    struct vmq_hist loop;       /* Start to start, ns. */
    struct vmq_hist late;       /* Wake-up after it was due, ns. */

    /* For the ratio of TSC and CLOCK_MONOTONIC. */
    uint64_t base_tsc;
    uint64_t base_ns;
    double hz;                  /* As of when it was last needed. */

    /* When receive rings were found empty, at last. */
    uint64_t empty_tsc[VMQ_MAX_PORTS][VMQ_MAX_PORT_QUEUES];
};

static volatile sig_atomic_t signaled;

static void
handle_signal(int signr)
{
    (void) signr;
    signaled = 1;
}

static void fatal(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

static void
fatal(int status, const char *format, ...)
{
    va_list args;

    fputs("vmq-traffic: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(status);
}

static void *
xcalloc(size_t n, size_t size)
{
    void *p = calloc(n, size);

    if (!p) {
        fatal(EXIT_FAILED, "out of memory");
    }
    return p;
}

static char *
json_line(json_t *json)
{
    char *s = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(10));

    if (!s) {
        fatal(EXIT_FAILED, "out of memory");
    }
    json_decref(json);
    return s;
}

static uint64_t
now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* Streams. */

/* The Ethernet address of a port, as source and as destination. */
static void
port_mac(unsigned int port, struct rte_ether_addr *mac)
{
    *mac = (struct rte_ether_addr) {
        { 0x02, 0x56, 0x4d, 0x51, 0x00, port }
    };
}

/* Builds the headers of the packets of flow 0 of 's'.  Those of flow N differ
 * in the lower half of the destination address and in the checksum. */
static void
stream_make_header(const struct traffic *t, struct stream *s)
{
    struct rte_ether_hdr eth;
    struct rte_ipv4_hdr ip;
    struct rte_udp_hdr udp;
    uint16_t word;

    memset(&eth, 0, sizeof eth);
    port_mac(s->to, &eth.dst_addr);
    port_mac(s->port_number, &eth.src_addr);
    eth.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);

    memset(&ip, 0, sizeof ip);
    ip.version_ihl = RTE_IPV4_VHL_DEF;
    ip.total_length = rte_cpu_to_be_16(t->frame_len - sizeof eth);
    ip.time_to_live = 64;
    ip.next_proto_id = IPPROTO_UDP;
    ip.src_addr = rte_cpu_to_be_32(RTE_IPV4(10, 255, s->port_number,
                                            s->queue));
    ip.dst_addr = rte_cpu_to_be_32(RTE_IPV4(10, s->number, 0, 0));

    /* No UDP checksum: nobody looks at it. */
    memset(&udp, 0, sizeof udp);
    udp.src_port = rte_cpu_to_be_16(UDP_BASE);
    udp.dst_port = rte_cpu_to_be_16(UDP_BASE + s->number);
    udp.dgram_len = rte_cpu_to_be_16(t->frame_len - sizeof eth - sizeof ip);

    s->ip_sum = 0;
    for (size_t i = 0; i < sizeof ip; i += sizeof word) {
        memcpy(&word, (uint8_t *) &ip + i, sizeof word);
        s->ip_sum += rte_be_to_cpu_16(word);
    }
    memcpy(s->header, &eth, sizeof eth);
    memcpy(s->header + sizeof eth, &ip, sizeof ip);
    memcpy(s->header + sizeof eth + sizeof ip, &udp, sizeof udp);
}

/* Makes room for 'n' flows.  Those that exist keep their state. */
static void
stream_allocate_flows(struct stream *s, unsigned int n)
{
    if (n > s->n_allocated) {
        s->flows = realloc(s->flows, n * sizeof *s->flows);
        if (!s->flows) {
            fatal(EXIT_FAILED, "no memory for %u flows", n);
        }
        memset(&s->flows[s->n_allocated], 0,
               (n - s->n_allocated) * sizeof *s->flows);
        s->n_allocated = n;
    }
}

/* Returns the number of packets of 's' due at 'now', as a real number, since
 * its 'anchor'. */
static double
stream_target(const struct stream *s, uint64_t now)
{
    return s->phase + s->pps * ((now - s->anchor) / (double) NSEC_PER_SEC);
}

/* Returns the number of packets of 's' due at 'now' that have not been dealt
 * with. */
static uint64_t
stream_due(const struct stream *s, uint64_t now)
{
    uint64_t target = stream_target(s, now);

    return target > s->claimed ? target - s->claimed : 0;
}

/* Returns the time at which the next packet of 's', which must have a rate, is
 * due. */
static uint64_t
stream_next(const struct stream *s)
{
    double wait = (s->claimed + 1 - s->phase) / s->pps;

    return (wait < 1e6
            ? s->anchor + (uint64_t) (wait * NSEC_PER_SEC)
            : UINT64_MAX);
}

/* Starts counting what is due at 'now', keeping the fraction of a packet that
 * had been reached. */
static void
stream_anchor(struct stream *s, uint64_t now)
{
    double left = stream_target(s, now) - s->claimed;

    s->phase = left - floor(left);
    s->claimed = 0;
    s->anchor = now;
}

/* Calls 'cb' for each stream that 'rate' names. */
static void
traffic_apply(struct traffic *t, const struct vmq_rate *rate,
              void (*cb)(struct traffic *, struct stream *,
                         const struct vmq_rate *, uint64_t when),
              uint64_t when)
{
    for (size_t i = 0; i < t->n_streams; i++) {
        struct stream *s = t->all[i];

        if ((rate->port == VMQ_SCHEDULE_ALL
             || rate->port == (int) s->port_number)
            && (rate->queue == VMQ_SCHEDULE_ALL || rate->queue == s->queue)) {
            cb(t, s, rate, when);
        }
    }
}

static void
reserve_flows(struct traffic *t, struct stream *s,
              const struct vmq_rate *rate, uint64_t when)
{
    (void) t;
    (void) when;
    if (rate->flows != VMQ_SCHEDULE_KEEP) {
        stream_allocate_flows(s, rate->flows);
    }
}

/* Returns the port that is to receive what 'port' sends, unless a step says
 * something else.  The sink's own packets need another one: a switch does not
 * send a packet back to where it came from. */
static unsigned int
default_destination(const struct traffic *t, unsigned int port)
{
    unsigned int sink = t->sink;

    if (port != sink || t->n_ports == 1) {
        return sink;
    }
    return sink ? 0 : 1;
}

static void
traffic_create_streams(struct traffic *t)
{
    for (size_t p = 0; p < t->n_ports; p++) {
        for (unsigned int q = 0; q < t->ports[p].queues; q++) {
            struct stream *s = xcalloc(1, sizeof *s);

            s->port = &t->ports[p];
            s->port_number = p;
            s->queue = q;
            s->number = t->n_streams;
            s->to = default_destination(t, p);
            s->n_flows = 1;
            stream_allocate_flows(s, 1);
            stream_make_header(t, s);
            t->streams[p][q] = s;
            t->all[t->n_streams++] = s;
        }
    }

    /* What the schedule needs is there before the first packet: to allocate it
     * later would show up as jitter. */
    for (size_t i = 0; i < t->schedule.n_steps; i++) {
        traffic_apply(t, &t->schedule.steps[i].rate, reserve_flows, 0);
    }
}

/* Sending. */

static void
stream_fill(const struct traffic *t, struct stream *s, struct rte_mbuf *m)
{
    uint8_t *data = rte_pktmbuf_mtod(m, uint8_t *);
    struct rte_ipv4_hdr *ip;
    struct payload payload;
    unsigned int flow;
    uint32_t sum;

    if (s->cursor >= s->n_flows) {
        s->cursor = 0;
    }
    flow = s->cursor++;
    if (flow >= s->n_used) {
        s->n_used = flow + 1;
    }

    memcpy(data, s->header, sizeof s->header);
    ip = (struct rte_ipv4_hdr *) (data + sizeof(struct rte_ether_hdr));
    ip->dst_addr |= rte_cpu_to_be_32(flow);
    sum = s->ip_sum + flow;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    ip->hdr_checksum = rte_cpu_to_be_16(~sum);

    payload = (struct payload) {
        .magic = PAYLOAD_MAGIC,
        .run = t->run,
        .port = s->port_number,
        .queue = s->queue,
        .to = s->to,
        .flow = flow,
        .epoch = s->epoch,
        .seq = s->flows[flow].sent++,
        .tsc = rte_rdtsc()
    };
    memcpy(data + sizeof s->header, &payload, sizeof payload);
    memset(data + MIN_FRAME_LEN, 0, t->frame_len - MIN_FRAME_LEN);
    m->data_len = t->frame_len;
    m->pkt_len = t->frame_len;
}

/* Takes back the last packet of stream_fill(). */
static void
stream_unfill(struct stream *s)
{
    s->cursor = (s->cursor ? s->cursor : s->n_flows) - 1;
    s->flows[s->cursor].sent--;
}

/* Sends what is due of 's'.  Returns the number of packets sent. */
static unsigned int
stream_send(struct traffic *t, struct stream *s, uint64_t now)
{
    uint64_t due = stream_due(s, now);
    uint64_t limit = s->pps * t->catch_up + 1;
    unsigned int total = 0;

    s->claimed += due;
    if (!s->port->up) {
        s->no_link += due;
        return 0;
    }
    if (due > limit) {
        s->skipped += due - limit;
        due = limit;
    }
    while (due) {
        unsigned int n = due < BURST ? due : BURST;
        struct rte_mbuf *mbufs[BURST];
        unsigned int n_sent;

        if (rte_pktmbuf_alloc_bulk(t->mp, mbufs, n)) {
            s->tx_full += due;
            break;
        }
        for (unsigned int i = 0; i < n; i++) {
            stream_fill(t, s, mbufs[i]);
        }
        n_sent = rte_eth_tx_burst(s->port->id, s->queue, mbufs, n);
        s->sent += n_sent;
        total += n_sent;
        due -= n_sent;
        if (n_sent < n) {
            for (unsigned int i = n_sent; i < n; i++) {
                stream_unfill(s);
            }
            rte_pktmbuf_free_bulk(mbufs + n_sent, n - n_sent);
            s->tx_full += due;
            break;
        }
    }
    return total;
}

/* Sends what is due of all streams.  Returns the number of packets sent. */
static unsigned int
traffic_send(struct traffic *t, uint64_t now)
{
    unsigned int total = 0;

    for (size_t i = 0; i < t->n_streams; i++) {
        struct stream *s = t->all[i];

        if (s->pps > 0 && now > s->anchor) {
            total += stream_send(t, s, now);
        }
    }
    return total;
}

/* Makes 'rate' the rate of 's' from 'when' on, which must not be in the
 * future. */
static void
stream_set_rate(struct traffic *t, struct stream *s,
                const struct vmq_rate *rate, uint64_t when)
{
    if (when < s->anchor) {
        when = s->anchor;
    }
    if (t->phase == PHASE_RUN) {
        stream_send(t, s, when);
    }
    stream_anchor(s, when);
    s->pps = rate->pps;
    s->epoch++;
    vmq_onset_begin(&s->onset, when);
    if (rate->flows != VMQ_SCHEDULE_KEEP) {
        s->n_flows = rate->flows;
        stream_allocate_flows(s, s->n_flows);
    }
    if (rate->to != VMQ_SCHEDULE_KEEP) {
        s->to = rate->to;
    }
    stream_make_header(t, s);
}

/* Receiving. */

static void
stream_received(struct traffic *t, struct stream *s,
                const struct payload *payload, uint64_t tsc,
                uint64_t empty_tsc)
{
    struct flow *flow = &s->flows[payload->flow];

    switch (vmq_seq_arrived(&flow->seq, payload->seq)) {
    case VMQ_SEQ_DUPLICATE:
        flow->duplicated++;
        s->duplicated++;
        return;

    case VMQ_SEQ_LATE:
        flow->reordered++;
        s->reordered++;
        break;

    case VMQ_SEQ_NEWER:
        break;
    }
    s->received++;
    vmq_hist_add(&s->latency, tsc > payload->tsc ? tsc - payload->tsc : 0);

    if (empty_tsc > payload->tsc + VMQ_ONSET_LIMIT_US * t->hz / 1e6
        && payload->epoch == s->epoch) {
        vmq_onset_arrived(&s->onset, payload->tsc, empty_tsc, tsc, now_ns(),
                          t->hz);
    }

    /* A gap is a matter of one rate: what passes while a queue is stopped, or
     * until its first packet at a new rate, is none. */
    if (flow->last_tsc && flow->last_epoch == payload->epoch) {
        uint64_t gap = tsc - flow->last_tsc;

        if (gap > flow->max_gap) {
            flow->max_gap = gap;
            if (gap > s->max_flow_gap) {
                s->max_flow_gap = gap;
                s->max_flow_gap_at = tsc;
                s->max_flow_gap_flow = payload->flow;
            }
        }
    }
    flow->last_tsc = tsc;
    flow->last_epoch = payload->epoch;

    if (s->last_tsc && s->last_epoch == payload->epoch) {
        uint64_t gap = tsc - s->last_tsc;

        if (gap > s->max_gap) {
            s->max_gap = gap;
            s->max_gap_at = tsc;
        }
    }
    s->last_tsc = tsc;
    s->last_epoch = payload->epoch;
}

static void
packet_received(struct traffic *t, unsigned int port,
                const struct rte_mbuf *m, uint64_t tsc, uint64_t empty_tsc)
{
    struct payload payload;
    struct stream *s;

    if (m->data_len < MIN_FRAME_LEN) {
        goto foreign;
    }
    memcpy(&payload, rte_pktmbuf_mtod_offset(m, const void *, HEADER_LEN),
           sizeof payload);
    if (payload.magic != PAYLOAD_MAGIC || payload.run != t->run
        || payload.port >= t->n_ports
        || payload.queue >= t->ports[payload.port].queues) {
        goto foreign;
    }
    s = t->streams[payload.port][payload.queue];
    if (payload.flow >= s->n_used
        || payload.seq >= s->flows[payload.flow].sent) {
        goto foreign;
    }
    t->arrived[port]++;
    if (payload.to != port) {
        s->misdelivered++;
    } else {
        stream_received(t, s, &payload, tsc, empty_tsc);
    }
    return;

foreign:
    t->foreign[port]++;
}

/* Receives what is there.  Returns the number of packets.
 *
 * A flood on one queue does not keep the others waiting for longer than it
 * takes to receive two rings of packets. */
static unsigned int
traffic_receive(struct traffic *t)
{
    unsigned int ring = t->config.queue_size;
    unsigned int total = 0;

    for (size_t p = 0; p < t->n_ports; p++) {
        for (unsigned int q = 0; q < t->ports[p].queues; q++) {
            uint64_t *empty_tsc = &t->empty_tsc[p][q];
            unsigned int n_queue = 0;
            unsigned int n;

            do {
                struct rte_mbuf *mbufs[BURST];
                uint64_t tsc;

                n = rte_eth_rx_burst(t->ports[p].id, q, mbufs, BURST);
                tsc = rte_rdtsc();
                for (unsigned int i = 0; i < n; i++) {
                    packet_received(t, p, mbufs[i], tsc, *empty_tsc);
                }
                rte_pktmbuf_free_bulk(mbufs, n);
                n_queue += n;
                *empty_tsc = n < BURST ? tsc : *empty_tsc;
            } while (n == BURST && n_queue < 2 * ring);
            t->rx_full[p] += n_queue >= ring - 2 * BURST;
            total += n_queue;
        }
    }
    return total;
}

/* Reporting. */

/* TSC cycles per second, by the clock that paces us. */
static double
traffic_hz(const struct traffic *t)
{
    return ((double) (rte_rdtsc() - t->base_tsc) * NSEC_PER_SEC
            / (now_ns() - t->base_ns));
}

static double
round_to(double value, double unit)
{
    return round(value / unit) * unit;
}

static json_t *
json_us(double seconds)
{
    return json_real(round_to(seconds * 1e6, 0.1));
}

/* The time at which TSC was 'tsc', in seconds after the start. */
static json_t *
json_at(const struct traffic *t, uint64_t tsc, double hz)
{
    return json_real(tsc ? round_to(((double) tsc - t->start_tsc) / hz, 1e-6)
                     : 0.0);
}

static json_t *
json_hist(const struct vmq_hist *h, double hz)
{
    return json_pack("{s:o, s:o, s:o, s:o}",
                     "mean", json_us(vmq_hist_mean(h) / hz),
                     "p50", json_us(vmq_hist_percentile(h, 50) / hz),
                     "p99", json_us(vmq_hist_percentile(h, 99) / hz),
                     "max", json_us(h->max / hz));
}

static void
json_set_count(json_t *json, const char *key, uint64_t value)
{
    json_object_set_new(json, key, json_integer(value));
}

static json_t *
stream_flows_to_json(const struct stream *s, double hz)
{
    json_t *flows = json_array();

    for (unsigned int f = 0; f < s->n_used; f++) {
        const struct flow *flow = &s->flows[f];
        json_t *json = json_object();
        uint64_t received = vmq_seq_received(&flow->seq);

        json_set_count(json, "flow", f);
        json_set_count(json, "sent", flow->sent);
        json_set_count(json, "received", received);
        json_set_count(json, "lost", flow->sent - received);
        json_set_count(json, "duplicated", flow->duplicated);
        json_set_count(json, "reordered", flow->reordered);
        json_object_set_new(json, "gap_us", json_us(flow->max_gap / hz));
        json_array_append_new(flows, json);
    }
    return flows;
}

static void
stream_add_counters(const struct stream *s, json_t *json)
{
    json_set_count(json, "sent", s->sent);
    json_set_count(json, "received", s->received);
    json_set_count(json, "lost", s->sent - s->received);
    json_set_count(json, "duplicated", s->duplicated);
    json_set_count(json, "reordered", s->reordered);
    json_set_count(json, "misdelivered", s->misdelivered);
    json_set_count(json, "tx_full", s->tx_full);
    json_set_count(json, "skipped", s->skipped);
    json_set_count(json, "no_link", s->no_link);
}

/* What takes a walk over all flows is only in the report at the end. */
static json_t *
stream_to_json(const struct traffic *t, const struct stream *s, double hz,
               bool final)
{
    json_t *json = json_object();

    json_set_count(json, "port", s->port_number);
    json_set_count(json, "queue", s->queue);
    json_set_count(json, "to", s->to);
    json_object_set_new(json, "pps", json_real(s->pps));
    json_set_count(json, "flows", s->n_flows);
    json_set_count(json, "flows_used", s->n_used);
    stream_add_counters(s, json);
    json_object_set_new(json, "gap_us", json_us(s->max_gap / hz));
    json_object_set_new(json, "gap_at_s", json_at(t, s->max_gap_at, hz));
    json_object_set_new(json, "flow_gap_us", json_us(s->max_flow_gap / hz));
    json_object_set_new(json, "flow_gap_at_s",
                        json_at(t, s->max_flow_gap_at, hz));
    json_set_count(json, "flow_gap_flow", s->max_flow_gap_flow);
    json_object_set_new(json, "latency_us", json_hist(&s->latency, hz));
    json_object_set_new(json, "onset", json_pack(
        "{s:I, s:I, s:I}",
        "at_us", (json_int_t) (s->onset.at_ns / 1000),
        "waited_us", (json_int_t) (s->onset.waited_ns / 1000),
        "until_us", (json_int_t) (s->onset.until_ns / 1000)));
    if (final) {
        unsigned int lossy = 0;

        for (unsigned int f = 0; f < s->n_used; f++) {
            lossy += (s->flows[f].sent
                      != vmq_seq_received(&s->flows[f].seq));
        }
        json_set_count(json, "lossy_flows", lossy);
        if (t->per_flow) {
            json_object_set_new(json, "flow", stream_flows_to_json(s, hz));
        }
    }
    return json;
}

static json_t *
traffic_totals_to_json(const struct traffic *t)
{
    struct stream sum;
    json_t *json = json_object();

    memset(&sum, 0, sizeof sum);
    for (size_t i = 0; i < t->n_streams; i++) {
        const struct stream *s = t->all[i];

        sum.sent += s->sent;
        sum.received += s->received;
        sum.duplicated += s->duplicated;
        sum.reordered += s->reordered;
        sum.misdelivered += s->misdelivered;
        sum.tx_full += s->tx_full;
        sum.skipped += s->skipped;
        sum.no_link += s->no_link;
    }
    stream_add_counters(&sum, json);
    return json;
}

static json_t *
traffic_ports_to_json(const struct traffic *t)
{
    json_t *ports = json_array();

    for (size_t i = 0; i < t->n_ports; i++) {
        const struct vmq_port *port = &t->ports[i];
        json_t *json = json_object();

        json_set_count(json, "port", i);
        json_object_set_new(json, "socket", json_string(port->path));
        json_set_count(json, "queues", port->queues);
        json_object_set_new(json, "up", json_boolean(port->up));
        json_set_count(json, "link_downs", port->link_downs);
        json_set_count(json, "arrived", t->arrived[i]);
        json_set_count(json, "foreign", t->foreign[i]);
        json_set_count(json, "rx_full", t->rx_full[i]);
        json_array_append_new(ports, json);
    }
    return ports;
}

static json_t *
traffic_generator_to_json(const struct traffic *t)
{
    struct rusage usage;
    json_t *json = json_object();

    getrusage(RUSAGE_SELF, &usage);
    json_object_set_new(json, "period_us",
                        json_real(t->period / (double) NSEC_PER_USEC));
    json_set_count(json, "loops", t->loop.n);
    json_object_set_new(json, "loop_us", json_hist(&t->loop, NSEC_PER_SEC));
    json_object_set_new(json, "late_us", json_hist(&t->late, NSEC_PER_SEC));
    json_object_set_new(json, "cpu_s",
                        json_real(usage.ru_utime.tv_sec
                                  + usage.ru_stime.tv_sec
                                  + (usage.ru_utime.tv_usec
                                     + usage.ru_stime.tv_usec) / 1e6));
    return json;
}

static json_t *
traffic_to_json(const struct traffic *t, bool final)
{
    static const char *const phases[] = {
        [PHASE_LINK] = "link",
        [PHASE_SETTLE] = "settle",
        [PHASE_RUN] = "run",
        [PHASE_DRAIN] = "drain",
        [PHASE_DONE] = "done"
    };
    double hz = traffic_hz(t);
    json_t *streams = json_array();
    json_t *json = json_object();
    uint64_t end = t->end ? t->end : now_ns();

    json_set_count(json, "version", 1);
    json_object_set_new(json, "phase", json_string(phases[t->phase]));
    if (final) {
        json_object_set_new(json, "reason", json_string(t->reason));
        json_object_set_new(json, "drained", json_boolean(t->drained));
    }
    json_object_set_new(json, "elapsed_s",
                        json_real(t->start
                                  ? round_to((end - t->start)
                                             / (double) NSEC_PER_SEC, 1e-6)
                                  : 0.0));
    json_set_count(json, "hz", hz);
    json_object_set_new(json, "hugepages",
                        json_boolean(t->config.huge == VMQ_HUGE_YES));
    json_object_set_new(json, "totals", traffic_totals_to_json(t));
    json_object_set_new(json, "ports", traffic_ports_to_json(t));
    for (size_t i = 0; i < t->n_streams; i++) {
        json_array_append_new(streams, stream_to_json(t, t->all[i], hz,
                                                      final));
    }
    json_object_set_new(json, "streams", streams);
    json_object_set_new(json, "generator", traffic_generator_to_json(t));
    return json;
}

/* Forgets the longest gaps, the latencies and the own jitter, so that the next
 * phase of a test has its own.  Counters stay. */
static void
traffic_clear_max(struct traffic *t)
{
    for (size_t i = 0; i < t->n_streams; i++) {
        struct stream *s = t->all[i];

        s->max_gap = 0;
        s->max_gap_at = 0;
        s->max_flow_gap = 0;
        s->max_flow_gap_at = 0;
        s->max_flow_gap_flow = 0;
        vmq_hist_clear(&s->latency);
        for (unsigned int f = 0; f < s->n_used; f++) {
            s->flows[f].max_gap = 0;
        }
    }
    vmq_hist_clear(&t->loop);
    vmq_hist_clear(&t->late);
}

/* Control channel. */

static char *
control_error(const char *error)
{
    return json_line(json_pack("{s:s}", "error", error));
}

static char *
control_cb(const char *line, void *t_)
{
    struct traffic *t = t_;
    size_t len = strcspn(line, " \t\r");
    const char *args = line + len + strspn(line + len, " \t\r");

    if (len == 4 && !strncmp(line, "rate", 4)) {
        struct vmq_rate rate;
        char *error;

        error = vmq_rate_parse(args, &rate);
        if (!error) {
            error = vmq_rate_check(&rate, t->queues, t->n_ports);
        }
        if (error) {
            char *reply = control_error(error);

            free(error);
            return reply;
        }
        traffic_apply(t, &rate, stream_set_rate, now_ns());
    } else if (*args) {
        return control_error("this command takes no arguments");
    } else if (len == 5 && !strncmp(line, "stats", 5)) {
        return json_line(traffic_to_json(t, false));
    } else if (len == 9 && !strncmp(line, "clear-max", 9)) {
        traffic_clear_max(t);
    } else if (len == 5 && !strncmp(line, "start", 5)) {
        t->hold = false;
    } else if (len == 4 && !strncmp(line, "quit", 4)) {
        t->quit = true;
    } else {
        return control_error("commands are clear-max, quit, rate, start and "
                             "stats");
    }
    return json_line(json_pack("{s:b}", "ok", 1));
}

/* The loop. */

static void
traffic_enter(struct traffic *t, enum phase phase, uint64_t now)
{
    t->phase = phase;
    t->phase_start = now;
    if (phase == PHASE_RUN) {
        t->start = now;
        t->start_tsc = rte_rdtsc();
        t->deadline = (t->duration < HUGE_VAL
                       ? now + (uint64_t) (t->duration * NSEC_PER_SEC)
                       : UINT64_MAX);
        for (size_t i = 0; i < t->n_streams; i++) {
            t->all[i]->anchor = now;
        }
    } else if (phase == PHASE_DRAIN) {
        t->end = now;
        t->last_rx = now;
    }
}

static void
traffic_run_schedule(struct traffic *t, uint64_t now)
{
    while (t->next_step < t->schedule.n_steps) {
        const struct vmq_step *step = &t->schedule.steps[t->next_step];
        uint64_t when = t->start + (uint64_t) (step->time * NSEC_PER_SEC);

        if (when > now) {
            break;
        }
        traffic_apply(t, &step->rate, stream_set_rate, when);
        t->next_step++;
    }
}

/* Ends the sending, if it ever began, because of 'reason'. */
static void
traffic_end(struct traffic *t, const char *reason, uint64_t now)
{
    t->reason = reason;
    if (t->phase == PHASE_RUN) {
        traffic_run_schedule(t, now);
        traffic_send(t, now);
        traffic_enter(t, PHASE_DRAIN, now);
    } else {
        t->drained = true;
        traffic_enter(t, PHASE_DONE, now);
    }
}

static bool
traffic_links_up(const struct traffic *t)
{
    for (size_t i = 0; i < t->n_ports; i++) {
        if (!t->ports[i].up) {
            return false;
        }
    }
    return true;
}

static bool
traffic_all_received(const struct traffic *t)
{
    for (size_t i = 0; i < t->n_streams; i++) {
        if (t->all[i]->sent != t->all[i]->received) {
            return false;
        }
    }
    return true;
}

/* What is done once a tick. */
static void
traffic_tick(struct traffic *t, uint64_t now)
{
    double in_phase = (now - t->phase_start) / (double) NSEC_PER_SEC;

    vmq_ports_run(t->ports, t->n_ports);
    vmq_control_run(t->control, control_cb, t);

    if (t->phase < PHASE_DRAIN) {
        if (signaled) {
            traffic_end(t, "signal", now);
            return;
        } else if (t->quit) {
            traffic_end(t, "quit", now);
            return;
        }
    }

    switch (t->phase) {
    case PHASE_LINK:
        if (traffic_links_up(t)) {
            traffic_enter(t, PHASE_SETTLE, now);
        } else if (in_phase > t->wait_link) {
            traffic_end(t, "no-link", now);
        }
        break;

    case PHASE_SETTLE:
        if (in_phase >= t->settle && !t->hold) {
            traffic_enter(t, PHASE_RUN, now);
        }
        break;

    case PHASE_RUN:
        if (now >= t->deadline) {
            traffic_end(t, "duration", t->deadline);
        }
        break;

    case PHASE_DRAIN:
        /* Duplicates come after the last packet that was missing, so all
         * having been received is not the end. */
        if (now - t->last_rx >= QUIET_NS) {
            t->drained = true;
            traffic_enter(t, PHASE_DONE, now);
        } else if (now - t->end >= DRAIN_NS) {
            t->drained = traffic_all_received(t);
            traffic_enter(t, PHASE_DONE, now);
        }
        break;

    case PHASE_DONE:
        break;
    }
}

/* Returns the time of the next wake-up. */
static uint64_t
traffic_wakeup(const struct traffic *t, uint64_t now)
{
    uint64_t earliest = now + t->period;
    uint64_t latest = now + (TICK_NS > t->period ? TICK_NS : t->period);
    uint64_t when = latest;

    if (now - t->last_active < BUSY_NS) {
        return earliest;
    }
    if (t->phase == PHASE_RUN) {
        if (t->next_step < t->schedule.n_steps) {
            const struct vmq_step *step = &t->schedule.steps[t->next_step];
            uint64_t next = t->start + (uint64_t) (step->time * NSEC_PER_SEC);

            when = next < when ? next : when;
        }
        for (size_t i = 0; i < t->n_streams; i++) {
            if (t->all[i]->pps > 0) {
                uint64_t next = stream_next(t->all[i]);

                when = next < when ? next : when;
            }
        }
    }
    return when > earliest ? when : earliest;
}

static void
sleep_until(uint64_t when)
{
    struct timespec ts = {
        .tv_sec = when / NSEC_PER_SEC,
        .tv_nsec = when % NSEC_PER_SEC
    };

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void
traffic_run(struct traffic *t)
{
    uint64_t now = now_ns();
    uint64_t next_tick = now;

    traffic_enter(t,
                  t->wait_link >= 0 ? PHASE_LINK
                  : t->hold ? PHASE_SETTLE : PHASE_RUN, now);
    while (t->phase != PHASE_DONE) {
        unsigned int n_rx, n_tx = 0;
        enum phase phase;
        uint64_t wakeup;
        uint64_t woken;

        if (now >= next_tick
            || (t->phase == PHASE_RUN && now >= t->deadline)) {
            traffic_tick(t, now);
            t->hz = traffic_hz(t);
            next_tick = now + TICK_NS;
        }
        n_rx = traffic_receive(t);
        if (t->phase == PHASE_RUN) {
            traffic_run_schedule(t, now);
            n_tx = traffic_send(t, now);
        }
        if (n_rx) {
            t->last_rx = now;
        }
        if (n_rx || n_tx) {
            t->last_active = now;
        }

        phase = t->phase;
        wakeup = traffic_wakeup(t, now);
        woken = now_ns();
        if (woken < wakeup) {
            sleep_until(wakeup);
            woken = now_ns();
        }
        if (phase == PHASE_RUN) {
            vmq_hist_add(&t->late, woken > wakeup ? woken - wakeup : 0);
            if (wakeup == now + t->period) {
                vmq_hist_add(&t->loop, woken - now);
            }
        }
        now = woken;
    }
}

/* Options. */

static void usage(void) __attribute__((noreturn));

static void
usage(void)
{
    printf("\
vmq-traffic: paced traffic through vhost-user ports\n\
usage: vmq-traffic --socket=PATH[,queues=N][,client]... [OPTION]...\n\
   or: vmq-traffic --ask=PATH COMMAND...\n\
\n\
Ports:\n\
  --socket=PATH[,queues=N][,client]  add a port (repeat; from port 0 on)\n\
  --sink=PORT             port that receives, unless a step says to=PORT\n\
                          (default: the last one)\n\
  --queue-size=N          entries of a ring (default: 1024)\n\
  --wait-link=SECS        wait that long for all ports to come up\n\
  --settle=SECS           then wait that long more (default: 1)\n\
  --hold                  then wait for the command \"start\"\n\
\n\
Traffic:\n\
  --schedule=FILE         steps \"TIME PORT/QUEUE PPS [FLOWS] [to=PORT]\"\n\
  --at=STEP               one such step (repeat)\n\
  --duration=SECS         stop after that time (default: never)\n\
  --length=BYTES          length of a frame (default: %zu)\n\
  --period=USECS          time between bursts (default: 100)\n\
  --catch-up=MSECS        send late packets up to that late (default: 5)\n\
\n\
Output and control:\n\
  --json=FILE             write the report to FILE (default: stdout)\n\
  --per-flow              report every flow\n\
  --control=PATH          listen for commands on a socket\n\
  --ask=PATH COMMAND...   send a command to a running vmq-traffic\n\
\n\
DPDK:\n\
  --huge | --no-huge      use hugepages or not (default: if there are any)\n\
  --core=N                run on that core only\n\
  --verbose               show DPDK's log\n\
\n\
Other:\n\
  -h, --help              show this\n\
  -V, --version           show the version\n",
           MIN_FRAME_LEN);
    exit(EXIT_OK);
}

static double
parse_number(const char *option, const char *s, double min, double max)
{
    double value;
    char *tail;

    errno = 0;
    value = strtod(s, &tail);
    if (errno || !*s || *tail || !isfinite(value) || value < min
        || value > max) {
        fatal(EXIT_USAGE, "--%s: \"%s\" is not a number from %g to %g",
              option, s, min, max);
    }
    return value;
}

static unsigned int
parse_integer(const char *option, const char *s, unsigned int min,
              unsigned int max)
{
    double value = parse_number(option, s, min, max);

    if (value != floor(value)) {
        fatal(EXIT_USAGE, "--%s: \"%s\" is not an integer", option, s);
    }
    return value;
}

static void
usage_error(char *error)
{
    if (error) {
        fatal(EXIT_USAGE, "%s", error);
    }
}

static int
ask(const char *path, char *words[], int n)
{
    char line[512] = "";
    size_t len = 0;
    char *reply;
    char *error;
    bool ok;

    for (int i = 0; i < n; i++) {
        len += snprintf(line + len, sizeof line - len, "%s%s",
                        i ? " " : "", words[i]);
        if (len >= sizeof line - 1) {
            fatal(EXIT_USAGE, "command is too long");
        }
    }
    if (!len || strchr(line, '\n')) {
        fatal(EXIT_USAGE, "--ask needs a command of one line");
    }
    error = vmq_control_ask(path, line, &reply);
    if (error) {
        fatal(EXIT_FAILED, "%s", error);
    }
    puts(reply);
    ok = strncmp(reply, "{\"error\":", 9) != 0;
    free(reply);
    return ok ? EXIT_OK : EXIT_FAILED;
}

static void
read_schedule(struct traffic *t, const char *name)
{
    FILE *stream = strcmp(name, "-") ? fopen(name, "r") : stdin;
    char *error;

    if (!stream) {
        fatal(EXIT_USAGE, "%s: %s", name, strerror(errno));
    }
    error = vmq_schedule_read(&t->schedule, stream, name);
    if (stream != stdin) {
        fclose(stream);
    }
    usage_error(error);
}

static void
parse_options(struct traffic *t, int argc, char *argv[])
{
    enum {
        OPT_AT = 256,
        OPT_ASK,
        OPT_CATCH_UP,
        OPT_CONTROL,
        OPT_CORE,
        OPT_DURATION,
        OPT_HOLD,
        OPT_HUGE,
        OPT_JSON,
        OPT_LENGTH,
        OPT_NO_HUGE,
        OPT_PERIOD,
        OPT_PER_FLOW,
        OPT_QUEUE_SIZE,
        OPT_SCHEDULE,
        OPT_SETTLE,
        OPT_SINK,
        OPT_SOCKET,
        OPT_VERBOSE,
        OPT_WAIT_LINK
    };
    static const struct option long_options[] = {
        { "at", required_argument, NULL, OPT_AT },
        { "ask", required_argument, NULL, OPT_ASK },
        { "catch-up", required_argument, NULL, OPT_CATCH_UP },
        { "control", required_argument, NULL, OPT_CONTROL },
        { "core", required_argument, NULL, OPT_CORE },
        { "duration", required_argument, NULL, OPT_DURATION },
        { "hold", no_argument, NULL, OPT_HOLD },
        { "huge", no_argument, NULL, OPT_HUGE },
        { "json", required_argument, NULL, OPT_JSON },
        { "length", required_argument, NULL, OPT_LENGTH },
        { "no-huge", no_argument, NULL, OPT_NO_HUGE },
        { "period", required_argument, NULL, OPT_PERIOD },
        { "per-flow", no_argument, NULL, OPT_PER_FLOW },
        { "queue-size", required_argument, NULL, OPT_QUEUE_SIZE },
        { "schedule", required_argument, NULL, OPT_SCHEDULE },
        { "settle", required_argument, NULL, OPT_SETTLE },
        { "sink", required_argument, NULL, OPT_SINK },
        { "socket", required_argument, NULL, OPT_SOCKET },
        { "verbose", no_argument, NULL, OPT_VERBOSE },
        { "wait-link", required_argument, NULL, OPT_WAIT_LINK },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'V' },
        { NULL, 0, NULL, 0 }
    };
    unsigned int n_queues = 0;
    unsigned int n_at = 0;
    const char *ask_path = NULL;

    for (;;) {
        int c = getopt_long(argc, argv, "+hV", long_options, NULL);

        if (c == -1) {
            break;
        }
        switch (c) {
        case OPT_AT:
            usage_error(vmq_schedule_add(&t->schedule, optarg, "--at",
                                         ++n_at));
            break;

        case OPT_ASK:
            ask_path = optarg;
            break;

        case OPT_CATCH_UP:
            t->catch_up = parse_number("catch-up", optarg, 0, 1000) / 1e3;
            break;

        case OPT_CONTROL:
            t->control_path = optarg;
            break;

        case OPT_CORE:
            t->config.core = parse_integer("core", optarg, 0, 4095);
            break;

        case OPT_DURATION:
            t->duration = parse_number("duration", optarg, 0, 1e6);
            break;

        case OPT_HOLD:
            t->hold = true;
            break;

        case OPT_HUGE:
            t->config.huge = VMQ_HUGE_YES;
            break;

        case OPT_JSON:
            t->json_path = optarg;
            break;

        case OPT_LENGTH:
            t->frame_len = parse_integer("length", optarg, MIN_FRAME_LEN,
                                         MAX_FRAME_LEN);
            break;

        case OPT_NO_HUGE:
            t->config.huge = VMQ_HUGE_NO;
            break;

        case OPT_PERIOD:
            t->period = (parse_number("period", optarg, 10, 1e5)
                         * NSEC_PER_USEC);
            break;

        case OPT_PER_FLOW:
            t->per_flow = true;
            break;

        case OPT_QUEUE_SIZE:
            t->config.queue_size = parse_integer("queue-size", optarg, 64,
                                                 32768);
            if (t->config.queue_size & (t->config.queue_size - 1)) {
                fatal(EXIT_USAGE, "--queue-size: %u is not a power of 2",
                      t->config.queue_size);
            }
            break;

        case OPT_SCHEDULE:
            read_schedule(t, optarg);
            break;

        case OPT_SETTLE:
            t->settle = parse_number("settle", optarg, 0, 1e6);
            break;

        case OPT_SINK:
            t->sink = parse_integer("sink", optarg, 0, VMQ_MAX_PORTS - 1);
            break;

        case OPT_SOCKET:
            if (t->n_ports >= VMQ_MAX_PORTS) {
                fatal(EXIT_USAGE, "more than %d ports", VMQ_MAX_PORTS);
            }
            usage_error(vmq_port_parse(optarg, &t->ports[t->n_ports]));
            for (size_t i = 0; i < t->n_ports; i++) {
                if (!strcmp(t->ports[i].path, t->ports[t->n_ports].path)) {
                    fatal(EXIT_USAGE, "%s: socket of two ports",
                          t->ports[i].path);
                }
            }
            t->queues[t->n_ports] = t->ports[t->n_ports].queues;
            n_queues += t->queues[t->n_ports++];
            break;

        case OPT_VERBOSE:
            t->config.verbose = true;
            break;

        case OPT_WAIT_LINK:
            t->wait_link = parse_number("wait-link", optarg, 0, 1e6);
            break;

        case 'h':
            usage();

        case 'V':
            puts("vmq-traffic (Open vSwitch VMQ)");
            exit(EXIT_OK);

        default:
            exit(EXIT_USAGE);
        }
    }

    if (ask_path) {
        exit(ask(ask_path, argv + optind, argc - optind));
    }
    if (optind < argc) {
        fatal(EXIT_USAGE, "\"%s\" is not an option", argv[optind]);
    }
    if (!t->n_ports) {
        fatal(EXIT_USAGE, "at least one --socket is required "
              "(use --help for help)");
    }
    if (n_queues > VMQ_MAX_QUEUES) {
        fatal(EXIT_USAGE, "%u queues are more than %d", n_queues,
              VMQ_MAX_QUEUES);
    }
    if (t->sink < 0) {
        t->sink = t->n_ports - 1;
    } else if ((size_t) t->sink >= t->n_ports) {
        fatal(EXIT_USAGE, "--sink: there is no port %d, only 0 to %zu",
              t->sink, t->n_ports - 1);
    }
    if (t->hold && !t->control_path) {
        fatal(EXIT_USAGE, "--hold needs --control");
    } else if (t->wait_link < 0) {
        t->settle = 0;
    }
    usage_error(vmq_schedule_check(&t->schedule, t->queues, t->n_ports));
}

static int
write_report(const struct traffic *t, FILE *stream)
{
    json_t *json = traffic_to_json(t, true);
    int error;

    error = json_dumpf(json, stream, JSON_INDENT(2) | JSON_REAL_PRECISION(10));
    json_decref(json);
    if (error || fputc('\n', stream) == EOF || fflush(stream)) {
        fprintf(stderr, "vmq-traffic: %s: %s\n",
                t->json_path ? t->json_path : "stdout", strerror(errno));
        return EXIT_FAILED;
    }
    return !strcmp(t->reason, "no-link") ? EXIT_NO_LINK : EXIT_OK;
}

/* Blocks or unblocks the signals that end the program.  They are blocked while
 * threads are created, so that none but the main thread gets them. */
static void
block_signals(bool block)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(block ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

int
main(int argc, char *argv[])
{
    static struct traffic traffic = {
        .sink = -1,
        .config = { .core = -1, .queue_size = 1024 },
        .duration = HUGE_VAL,
        .wait_link = -1,
        .settle = 1,
        .catch_up = 5e-3,
        .period = 100 * NSEC_PER_USEC,
        .frame_len = MIN_FRAME_LEN
    };
    struct traffic *t = &traffic;
    struct sigaction action = { .sa_handler = handle_signal };
    FILE *json_stream = stdout;
    int status = EXIT_FAILED;
    struct timespec ts;
    char *error;

    vmq_schedule_init(&t->schedule);
    parse_options(t, argc, argv);

    t->base_ns = now_ns();
    t->base_tsc = rte_rdtsc();
    clock_gettime(CLOCK_REALTIME, &ts);
    t->run = (uint32_t) ts.tv_nsec ^ (uint32_t) getpid() << 16;

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);

    /* A switch that dies while DPDK talks to it. */
    signal(SIGPIPE, SIG_IGN);
    block_signals(true);

    if (t->json_path) {
        json_stream = fopen(t->json_path, "w");
        if (!json_stream) {
            fatal(EXIT_FAILED, "%s: %s", t->json_path, strerror(errno));
        }
    }
    traffic_create_streams(t);
    error = (t->control_path
             ? vmq_control_open(t->control_path, &t->control) : NULL);
    if (!error) {
        error = vmq_ports_start(t->ports, t->n_ports, &t->config, &t->mp);
    }
    block_signals(false);

    if (error) {
        fprintf(stderr, "vmq-traffic: %s\n", error);
        free(error);
    } else {
        /* The kernel may delay wake-ups by 50 us otherwise. */
        prctl(PR_SET_TIMERSLACK, 1000);
        traffic_run(t);
        status = write_report(t, json_stream);
    }
    vmq_control_close(t->control);
    vmq_ports_unpublish(t->ports, t->n_ports);

    /* See vmq_ports_unpublish(). */
    fflush(NULL);
#ifdef VMQ_COVERAGE
    __gcov_dump();
#endif
    _exit(status);
}
