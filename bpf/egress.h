/* SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0 */
/*
 * What the kernel program writes and user space reads: data only.
 *
 * Both sides include it, so it holds fixed-width types, explicit padding and
 * assertions on every offset that the other side relies on.
 */
#ifndef EGRESS_H
#define EGRESS_H

#include <linux/types.h>

/* Which pinned maps a program can go on with: their types, their values, and
 * what these mean. The folder of pins has this number in its name. */
#define EGRESS_PINS_VERSION 4

/* Most interfaces that are counted at the same time; each costs 104 bytes per
 * possible CPU. */
#define EGRESS_INTERFACES_MAX 1024

/* Key of a destination. Every byte takes part in the hash, so unused ones are
 * zero. */
struct egress_key {
	__u32 ifindex;
	__u8 family; /* AF_INET or AF_INET6 */
	__u8 prefix_length; /* less than the address has: it stands for all that begin so */
	__u16 service; /* the slot of whoever sends there, with --services; else 0 */
	__be32 address[4]; /* an IPv4 address in [0] alone; bits after the prefix are 0 */
};

enum egress_state {
	EGRESS_FREE = 0, /* zeroed memory, or being filled in */
	EGRESS_LISTED = 1,
	EGRESS_RETIRED = 2, /* user space is taking it out of the table */
	EGRESS_RETURNED = 3, /* free again */
};

/* One destination: its counters and its first packet, one cache line. */
struct egress_destination {
	struct egress_key key;
	__u16 slot; /* its interface's place in `interfaces` */
	__u16 cpu_slot; /* where it counts by CPU, in `cpu_counts`; 0: nowhere */
	__u16 port; /* destination port of the first packet, host order; 0: none */
	__u8 protocol; /* IP protocol of the first packet, after IPv6 extension headers */
	__u8 state; /* enum egress_state */
	__u64 packets; /* on the wire */
	__u64 bytes; /* on the wire: link header and VLAN tags, no FCS */
	__u64 first_seen_ns; /* CLOCK_MONOTONIC */
	__u64 tcp_connects; /* SYNs without ACK */
};

/* Who sent the first packet of a record. */
struct egress_sender {
	__u64 cgroup_id; /* of the socket, in cgroup2; 0: no socket is known */
	__u32 ingress_ifindex; /* where a forwarded packet came in; 0: nowhere */
	__u32 uid; /* of the socket, if one is known */
};

/* Who sends, in one number: a socket's cgroup2 id, or this bit and the ifindex by which a forwarded packet
 * came in. No id has the bit: ids are small, or before Linux 5.5 a small generation and an inode. 0: nobody.
 */
#define EGRESS_SENDER_INGRESS (1ULL << 63)

/* The slots of services that are always there; those that senders get one by one follow. */
enum egress_service {
	EGRESS_SERVICE_UNKNOWN = 0, /* user space could not tell; without --services, all */
	EGRESS_SERVICE_KERNEL = 1, /* no socket, and not forwarded */
	EGRESS_SERVICE_OTHER = 2, /* there was no slot left */
	EGRESS_SERVICES_FIXED = 3, /* how many these are */
};

/* Most slots that senders can get: as many cgroups as a walk sees. src/config/settings.ts has this number as
 * well. */
#define EGRESS_SERVICES_MAX 32768

/* So many senders may have a slot that is not their own, for each slot that there is. */
#define EGRESS_SENDERS_PER_SERVICE 4

/* Each CPU remembers the slots of this many senders, 16 bytes each. */
#define EGRESS_SENDERS_RECENTLY 64

struct egress_recent_sender {
	__u64 sender;
	__u32 generation; /* senders_generation, when this was looked up */
	__u32 slot;
};

/* What user space calls a service, so that the next process knows it although its cgroup is gone. */
struct egress_service_name {
	__u64 sender; /* of the slot when it got the name; another's: the note is old */
	__u32 length; /* of the first label */
	char labels[2036]; /* all of them, as in metrics */
};

/* A record that is to count for another service, as egress_fold() gets it in place of a packet. */
struct egress_fold {
	__u32 id;
	__u16 from;
	__u16 to;
	__u8 padding[8]; /* a frame has an Ethernet header at least */
};

/* What egress_fold() made of it. */
enum egress_folded {
	EGRESS_FOLD_REFUSED = 0, /* another time */
	EGRESS_FOLD_MOVED = 1, /* the record is the other service's */
	EGRESS_FOLD_MERGED = 2, /* the other service had one, which counts on; this one is free */
};

/* What a destination counted on one CPU since it was found to be busy; the
 * record has what came before. */
struct egress_counts {
	__u64 packets;
	__u64 bytes;
	__u64 tcp_connects;
};

/* Most destinations that count so, and one; each costs 24 bytes per possible
 * CPU. */
#define EGRESS_CPU_COUNTS_MAX 1024

/* What user space keeps beside a record, as long as it has this first packet. */
struct egress_user_state {
	__u64 first_seen_ns; /* of the record; another: the note is old */
	__s64 first_seen_unix_ms; /* converted once: neither NTP nor sleep moves it */
	__u32 packets; /* when it was last looked at; the low bits tell a change */
	__u32 zero_since_ms; /* the first page that had it as 0, after first_seen_ns; or one of: */
	__u64 active_ns; /* CLOCK_BOOTTIME of the last look that found more packets */
};

#define EGRESS_REVEALED 0U /* pages show what it counted; also in states of before there was this */
#define EGRESS_UNSEEN 0xffffffffU /* no page has had it yet */

/* Where an interface counts. */
struct egress_slot {
	__u32 slot; /* its place in `interfaces` */
	__u32 flags; /* EGRESS_SLOT_* */
	__u64 departed_ns; /* CLOCK_BOOTTIME; 0: the interface is there */
	char name[16]; /* IFNAMSIZ */
};

#define EGRESS_SLOT_CLSACT 1U /* attached by a filter, not by a TCX link */
#define EGRESS_SLOT_MADE_QDISC 2U /* and the clsact qdisc is ours */

/* In place of the ifindex of an interface that departed, with its slot; real
 * ones are positive and signed. */
#define EGRESS_DEPARTED 0x80000000U

/* Why a packet has no destination of its own: the constant, and the `reason`
 * label of metrics. The program counts by these, in a switch with a default, */
#define EGRESS_FOR_EACH_PROGRAM_REASON(EACH, LAST)                                                           \
	EACH(EGRESS_EXCLUDED, "excluded")                                                                    \
	EACH(EGRESS_OVERFLOW, "overflow")                                                                    \
	EACH(EGRESS_REPLY, "reply")                                                                          \
	EACH(EGRESS_NOT_IP, "not_ip")                                                                        \
	LAST(EGRESS_MALFORMED, "malformed")
/* and user space by all. */
#define EGRESS_FOR_EACH_REASON(EACH)                                                                         \
	EGRESS_FOR_EACH_PROGRAM_REASON(EACH, EACH)                                                           \
	EACH(EGRESS_EXPIRED, "expired")

#define EGRESS_ENUMERATOR(constant, label) constant,
enum egress_unlisted {
	EGRESS_FOR_EACH_REASON(EGRESS_ENUMERATOR)
	/* How many: */
	EGRESS_UNLISTED_REASONS,
	EGRESS_PROGRAM_REASONS = EGRESS_EXPIRED,
};
#undef EGRESS_ENUMERATOR

struct egress_counter {
	__u64 packets;
	__u64 bytes;
};

/* One interface on one CPU. */
struct egress_interface {
	struct egress_counter total;
	struct egress_counter unlisted[EGRESS_PROGRAM_REASONS];
	__u64 new_destinations;
};

/* What records of an interface had counted that user space took out of the
 * table. */
struct egress_retired_counts {
	struct egress_counter unlisted[EGRESS_UNLISTED_REASONS];
};

/* One such move while it is made, with the sums as they will be: whoever finds
 * it, because a process was killed, makes it once more. */
struct egress_retire_journal {
	__u64 pending; /* 0: none */
	__u32 id;
	__u32 slot;
	__u64 reason; /* enum egress_unlisted */
	struct egress_counter sum;
};

/* Which source ports say that this host called: a bit for each port, of TCP and
 * then of the other protocols that have ports. */
#define EGRESS_CLIENT_PORTS_WORDS (65536 / 64)

/* What the rule of a prefix says; the longest that matches decides. */
enum egress_action {
	EGRESS_EXCLUDE = 1,
	EGRESS_INCLUDE = 2,
};

/* Most prefixes; a trie takes memory only for those that are in it.
 * src/config/settings.ts has this number as well. */
#define EGRESS_PREFIX_RULES_MAX (1U << 20)

/* Each CPU remembers this many excluded destinations (24 bytes each) for either
 * set of prefixes, so that their further packets cost one comparison and no trie
 * lookup. */
#define EGRESS_EXCLUDED_RECENTLY 512

/* A prefix rule's key in `prefix_rules_0` and `prefix_rules_1`, LPM tries: the family's 16 bits, then the
 * address. */
struct egress_prefix {
	__u32 length; /* in bits, EGRESS_FAMILY_BITS included */
	__u16 family;
	__u8 address[16];
	__u8 reserved[2];
};

#define EGRESS_FAMILY_BITS 16

#ifdef __cplusplus
#define EGRESS_STATIC_ASSERT static_assert
#else
#define EGRESS_STATIC_ASSERT _Static_assert
#endif
#define EGRESS_OFFSET(type, member, offset)                                                                  \
	EGRESS_STATIC_ASSERT(__builtin_offsetof(type, member) == offset, #type "." #member)

EGRESS_STATIC_ASSERT(sizeof(struct egress_key) == 24, "egress_key");
EGRESS_OFFSET(struct egress_key, service, 6);
EGRESS_OFFSET(struct egress_key, address, 8);
EGRESS_STATIC_ASSERT(sizeof(struct egress_destination) == 64, "one cache line");
EGRESS_OFFSET(struct egress_destination, slot, 24);
EGRESS_OFFSET(struct egress_destination, cpu_slot, 26);
EGRESS_OFFSET(struct egress_destination, state, 31);
EGRESS_OFFSET(struct egress_destination, packets, 32);
EGRESS_OFFSET(struct egress_destination, first_seen_ns, 48);
EGRESS_OFFSET(struct egress_destination, tcp_connects, 56);
EGRESS_STATIC_ASSERT(sizeof(struct egress_sender) == 16, "egress_sender");
EGRESS_OFFSET(struct egress_sender, uid, 12);
EGRESS_STATIC_ASSERT(sizeof(struct egress_recent_sender) == 16, "egress_recent_sender");
EGRESS_STATIC_ASSERT(sizeof(struct egress_service_name) == 2048, "egress_service_name");
EGRESS_STATIC_ASSERT(sizeof(struct egress_fold) == 16, "egress_fold");
EGRESS_STATIC_ASSERT(EGRESS_SERVICES_FIXED + EGRESS_SERVICES_MAX <= 0xffff, "egress_key.service");
EGRESS_STATIC_ASSERT(sizeof(struct egress_slot) == 32, "egress_slot");
EGRESS_OFFSET(struct egress_slot, slot, 0);
EGRESS_STATIC_ASSERT(sizeof(struct egress_user_state) == 32, "egress_user_state");
EGRESS_OFFSET(struct egress_user_state, packets, 16);
EGRESS_OFFSET(struct egress_user_state, zero_since_ms, 20);
EGRESS_STATIC_ASSERT(sizeof(struct egress_interface) == 104, "egress_interface");
EGRESS_OFFSET(struct egress_interface, new_destinations, 96);
EGRESS_STATIC_ASSERT(sizeof(struct egress_retired_counts) == 96, "egress_retired_counts");
EGRESS_STATIC_ASSERT(sizeof(struct egress_retire_journal) == 40, "egress_retire_journal");
EGRESS_STATIC_ASSERT(sizeof(struct egress_prefix) == 24, "egress_prefix");
EGRESS_OFFSET(struct egress_prefix, address, 6);

#endif
