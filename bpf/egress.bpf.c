// SPDX-License-Identifier: GPL-2.0-only
/*
 * Counts every packet that leaves an interface, by destination.
 *
 * Runs at TC egress (TCX or clsact), where skb->data is the first byte that
 * the device will send. Uses the UAPI alone, and no helper or map type newer
 * than Linux 5.4; of __sk_buff one field, gso_size, for which there is a second
 * set of entries.
 */
#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "counters.bpf.h"
#include "egress.h"
#include "wire_size.bpf.h"

/* include/linux/socket.h, the values that user space calls AF_INET and AF_INET6 */
#define AF_INET 2
#define AF_INET6 10

/* include/linux/if_vlan.h: a tag is 16 bits of control information, then the
 * EtherType of what follows. */
#define VLAN_HLEN 4
#define VLAN_TAGS_MAX 2 /* in the frame: 802.1ad outside, 802.1Q inside */

/* RFC 8200, section 4.1 recommends at most seven extension headers, each once. */
#define IPV6_EXTENSIONS_MAX 8

/* Where no direct access is worth its while. */
#define NOT_PLAIN -1

/* An outer IPv6 header, GRE with checksum, key and number, and GUE with options. */
#define PUSHED_HEADERS_MAX 96

/* RFC 9293, section 3.1: the byte of the flags, and two of them. */
#define TCP_FLAGS 13
#define TCP_SYN 0x02
#define TCP_ACK 0x10

/* RFC 791, section 3.1, and RFC 8200, section 4.5: the fragment's offset. */
#define IPV4_FRAGMENT_OFFSET 0x1fff
#define IPV6_FRAGMENT_OFFSET 0xfff8

/* A taken hint gives way this rarely: else more destinations than there are
 * hints would drive each other out (bimodal insertion: Qureshi and others,
 * Adaptive Insertion Policies for High Performance Caching, 2007), and many CPUs
 * would write to the same cache lines. */
#define HINT_RARITY 8

/* Sized by user space before load: --destinations.limit. */
#define SIZED_AT_LOAD 1

/* Counters and first packet by id. User space reads it through mmap. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SIZED_AT_LOAD);
	__type(key, __u32);
	__type(value, struct egress_destination);
} destinations SEC(".maps");

/* Which record of `destinations` a key has. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SIZED_AT_LOAD);
	__type(key, struct egress_key);
	__type(value, __u32);
} destination_ids SEC(".maps");

/* Where keys' records were found, by a hash that costs two multiplications: it
 * saves the look into `destination_ids`, which costs more time and more cache
 * misses. Right or wrong, the record itself tells. Only another key of the same
 * hash leads to a wrong one. */
struct hint {
	__u32 hash;
	__u32 id;
};

struct hint_pair {
	struct hint recent, older;
};

/* How many of them are in use follows the number of destinations: hint_shift. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SIZED_AT_LOAD);
	__type(key, __u32);
	__type(value, struct hint_pair);
} hints SEC(".maps");

/* Records that no key has. */
struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, SIZED_AT_LOAD);
	__type(value, __u32);
} free_ids SEC(".maps");

/* How many records were taken for the first time, by each CPU; together they are
 * the first: user space need look at no more. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} ids_taken SEC(".maps");

/* Where in `interfaces` an ifindex counts; user space writes it before it
 * attaches the program there. Twice the entries: user space moves one by
 * writing the new before it deletes the old. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * EGRESS_INTERFACES_MAX);
	__type(key, __u32);
	__type(value, struct egress_slot);
} interface_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EGRESS_INTERFACES_MAX);
	__type(key, __u32);
	__type(value, struct egress_interface);
} interfaces SEC(".maps");

/* What busy destinations count, each CPU for itself: else all of them would
 * write to one cache line. User space gives them their places. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EGRESS_CPU_COUNTS_MAX);
	__type(key, __u32);
	__type(value, struct egress_counts);
} cpu_counts SEC(".maps");

/* User space's own, by id, by slot, and alone; here so that they can outlive
 * user space. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SIZED_AT_LOAD);
	__type(key, __u32);
	__type(value, struct egress_note);
} notes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, EGRESS_INTERFACES_MAX);
	__type(key, __u32);
	__type(value, struct egress_moved);
} moved SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct egress_move);
} pending_move SEC(".maps");

/* Which prefixes get no record, and which do (enum egress_choice). Asked when a
 * destination has none. Two sets: user space writes the one that is not in force,
 * and lets it take the other's place in one step. */
struct choices {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, EGRESS_CHOICES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct egress_prefix);
	__type(value, __u32);
};
struct choices choices_0 SEC(".maps");
struct choices choices_1 SEC(".maps");

/* Bits of source ports: those of calls. Asked where replies are aggregated. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * EGRESS_OWN_PORTS_WORDS);
	__type(key, __u32);
	__type(value, __u64);
} own_ports SEC(".maps");

/* By either set of choices, one after the other. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2 * EGRESS_EXCLUDED_RECENTLY);
	__type(key, __u32);
	__type(value, struct egress_key);
} excluded_recently SEC(".maps");

/* Whether packets that answer others' connections make no destination. */
const volatile bool aggregate_replies = false;

/* What each packet needs of the settings; in one cache line, which the stack
 * drives out of the nearest cache between two packets. User space changes two of
 * them while the program runs: hint_shift, since a hint that is not found any more
 * is only missed, and choices_in_force, which is read once a packet. */
__u64 ipv6_mask_be[2] = {~0ULL, ~0ULL};
__u32 ipv6_prefix_length = 128;
__u32 ipv4_prefix_length = 32;
__be32 ipv4_mask_be = 0xffffffff;
__u32 hint_shift SEC(".data") = 0; /* what it leaves of a hash is an index of `hints`; 0: none is one */
__u32 choices_in_force SEC(".data") = 0; /* 0 or 1 */
__u32 unfilled SEC(".data") = 0; /* ids below it are to be put into `free_ids`, by egress_fill() */

/* To be called first: the line comes while headers are read, and not when all
 * waits for it. */
static __always_inline __u32 load_hint_shift(void)
{
	return *(volatile __u32 *)&hint_shift;
}

/* The transport header, or what is known of it. */
struct transport {
	__u32 offset;
	__u8 protocol; /* after IPv6 extension headers */
	bool present; /* false: a later fragment, cut short, or no such header */
};

/* Copies a header, or the part of one, from `offset`, which nearly always is
 * `plain`. False where the packet ends before.
 *
 * Direct access costs a comparison, a helper call 50 ns. But without
 * CAP_PERFMON the verifier takes packet pointers with constant offsets alone,
 * and none that is compared with NULL: hence direct access at `plain`, which
 * is known at compile time, and copies from tagged frames and nonlinear
 * buffers. */
static __always_inline bool read(struct __sk_buff *skb, const int plain, int offset, const int field,
				 void *to, const int size)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	long error = 0;

	if (offset == plain && data + plain + field + size <= data_end)
		/* Few loads: machines with a BPF JIT take them unaligned. */
		__builtin_memcpy(to, __builtin_assume_aligned(data + plain + field, 4), size);
	else
		error = bpf_skb_load_bytes(skb, offset + field, to, size);
	barrier_var(error); /* else clang makes a truth value of packet pointers */
	return !error;
}

static __always_inline bool is_vlan_tag(__be16 ethertype_be)
{
	return ethertype_be == bpf_htons(ETH_P_8021Q) || ethertype_be == bpf_htons(ETH_P_8021AD);
}

/* Where the network header is, if not at the start: behind the outer headers of a
 * GRE device without a remote, or with one that is multicast, which are there by
 * now (ipgre_header(), ip6gre_header()); other tunnels come after TC egress. Found
 * by comparison, since those of ip6gre have flags of another meaning, and room
 * for FOU's or GUE's. 0: at the start. */
__noinline int find_network_header(struct __sk_buff *skb)
{
	struct {
		__u64 first, last;
	} network, here;

	if (bpf_skb_load_bytes_relative(skb, 0, &network, sizeof(network), BPF_HDR_START_NET))
		return 0;
	for (int offset = 0; offset <= PUSHED_HEADERS_MAX; offset += 4) {
		if (bpf_skb_load_bytes(skb, offset, &here, sizeof(here)))
			return 0;
		if (here.first == network.first && here.last == network.last)
			return offset;
	}
	return 0;
}

/* Steps over the tags of a frame, as many as are looked behind. */
static __noinline int skip_vlan_tags(struct __sk_buff *skb, __be16 *ethertype_be)
{
	int offset = ETH_HLEN;

	for (int tags = 0; tags < VLAN_TAGS_MAX && is_vlan_tag(*ethertype_be); tags++) {
		/* The tag's own EtherType is behind us, control information before us. */
		if (bpf_skb_load_bytes(skb, offset + 2, ethertype_be, sizeof(*ethertype_be)))
			return -1;
		offset += VLAN_HLEN;
	}
	return offset;
}

/* The registry "IPv6 Extension Header Types" of IANA. */
static __always_inline bool is_ipv6_extension(__u8 next)
{
	switch (next) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
	case 139: /* Host Identity Protocol, RFC 7401 */
	case 140: /* Shim6, RFC 5533 */
	case IPPROTO_FRAGMENT:
	case IPPROTO_AH:
		return true;
	}
	return false;
}

/* What the network header says of the transport header without a look at it. */
struct outlook {
	bool opens; /* a TCP connection: SYN without ACK, RFC 9293, section 3.5 */
	bool hidden; /* TCP or not, behind options or extension headers */
	bool tunnel; /* GRE */
};

static __always_inline bool opens_connection(__u8 tcp_flags)
{
	return (tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/* What has these two in memory, in this order, each so many bits long. */
static __always_inline __u64 join(__u64 first, __u64 second, const int bits)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return first | second << bits;
#else
	return first << bits | second;
#endif
}

/* Stores a key by the words that same_key() loads: a load that spans several
 * stores waits until they have left the processor's store buffer. */
static __always_inline void make_key(struct egress_key *key, __u32 ifindex, __u16 family, __u16 prefix_length,
				     __u64 first, __u64 last)
{
	__u64 *words = (__u64 *)key;

	words[0] = join(ifindex, join(family, prefix_length, 16), 32);
	words[1] = first;
	words[2] = last;
}

static __always_inline bool read_ipv4(struct __sk_buff *skb, const int plain, int offset, __u32 ifindex,
				      struct egress_key *key, struct outlook *outlook)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	__u8 version_and_words, protocol, tcp_flags;
	__be16 fragment_be;
	__be32 address;

	/* As read() does it, but without a copy of what is not asked for. */
	if (offset == plain && data + plain + sizeof(struct iphdr) <= data_end) {
		const struct iphdr *ip = __builtin_assume_aligned(data + plain, 4);

		version_and_words = *(const __u8 *)ip;
		protocol = ip->protocol;
		fragment_be = ip->frag_off;
		address = ip->daddr;
	} else {
		struct iphdr ip;

		if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)))
			return false;
		version_and_words = *(__u8 *)&ip;
		protocol = ip.protocol;
		fragment_be = ip.frag_off;
		address = ip.daddr;
	}
	make_key(key, ifindex, AF_INET, ipv4_prefix_length, join(address & ipv4_mask_be, 0, 32), 0);
	outlook->tunnel = protocol == IPPROTO_GRE;
	if (protocol == IPPROTO_TCP && !(fragment_be & bpf_htons(IPV4_FRAGMENT_OFFSET))) {
		outlook->hidden = version_and_words != 0x45;
		if (!outlook->hidden &&
		    read(skb, plain, offset, sizeof(struct iphdr) + TCP_FLAGS, &tcp_flags, sizeof(tcp_flags)))
			outlook->opens = opens_connection(tcp_flags);
	}
	/* The total length says nothing: it is 0 in IPv4 BIG TCP (kernel b1a78b9b9886). */
	return version_and_words >= 0x45 && version_and_words <= 0x4f &&
	       offset + (version_and_words & 0xf) * 4U <= skb->len;
}

static __always_inline bool read_ipv6(struct __sk_buff *skb, const int plain, int offset, __u32 ifindex,
				      struct egress_key *key, struct outlook *outlook)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	__u8 version, next, tcp_flags;
	__u64 first, last;

	/* As in read_ipv4(). */
	if (offset == plain && data + plain + sizeof(struct ipv6hdr) <= data_end) {
		const struct ipv6hdr *ip = __builtin_assume_aligned(data + plain, 8);
		const __u64 *address = (const __u64 *)&ip->daddr;

		version = *(const __u8 *)ip >> 4;
		next = ip->nexthdr;
		first = address[0];
		last = address[1];
	} else {
		struct ipv6hdr ip;

		if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)))
			return false;
		version = ip.version;
		next = ip.nexthdr;
		first = join(ip.daddr.s6_addr32[0], ip.daddr.s6_addr32[1], 32);
		last = join(ip.daddr.s6_addr32[2], ip.daddr.s6_addr32[3], 32);
	}
	make_key(key, ifindex, AF_INET6, ipv6_prefix_length, first & ipv6_mask_be[0], last & ipv6_mask_be[1]);
	outlook->tunnel = next == IPPROTO_GRE;
	outlook->hidden = is_ipv6_extension(next);
	if (next == IPPROTO_TCP &&
	    read(skb, plain, offset, sizeof(struct ipv6hdr) + TCP_FLAGS, &tcp_flags, sizeof(tcp_flags)))
		outlook->opens = opens_connection(tcp_flags);
	return version == 6;
}

/* Whether the packet is IP, and if so, its key. `family` is set for IPv6 alone, and
 * `reason` for what is neither. */
static __always_inline bool read_network(struct __sk_buff *skb, const int plain, int offset,
					 __be16 ethertype_be, __u32 ifindex, struct egress_key *key,
					 struct outlook *outlook, __u16 *family, enum egress_unlisted *reason)
{
	if (ethertype_be == bpf_htons(ETH_P_IP))
		return read_ipv4(skb, plain, offset, ifindex, key, outlook);
	if (ethertype_be == bpf_htons(ETH_P_IPV6)) {
		*family = AF_INET6;
		return read_ipv6(skb, plain, offset, ifindex, key, outlook);
	}
	*reason = EGRESS_NOT_IP;
	return false;
}

static __always_inline bool same_key(const struct egress_key *a, const struct egress_key *b)
{
	const __u64 *x = (const __u64 *)a, *y = (const __u64 *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]));
}

/* Spreads keys evenly over 31 bits, the highest best, and one that is set: no hash
 * is 0. Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3,
 * section 6.4). */
static __always_inline __u32 spread(const struct egress_key *key)
{
	const __u64 *words = (const __u64 *)key;
	const __u64 golden = 0x9e3779b97f4a7c15; /* 2^64 over the golden ratio */

	return (((words[0] ^ words[1]) * golden ^ words[2]) * golden) >> 32 | 1;
}

/* By the index, and leaves a hint. Apart from find(), which it would cost
 * registers. */
static __noinline struct egress_destination *look_up(const struct egress_key *key, __u32 hash)
{
	__u32 *id = bpf_map_lookup_elem(&destination_ids, key);
	__u32 index = hash >> hint_shift;
	struct hint_pair *pair;

	if (!id)
		return NULL;
	pair = bpf_map_lookup_elem(&hints, &index);
	/* Zeroed: there is room. */
	if (pair && (!pair->older.hash || bpf_get_prandom_u32() % HINT_RARITY == 0)) {
		/* Safe: whatever another CPU writes is only a hint. */
		pair->older = pair->recent;
		pair->recent = (struct hint){.hash = hash, .id = *id};
	}
	return bpf_map_lookup_elem(&destinations, id);
}

static __always_inline struct egress_destination *find(const struct egress_key *key, __u32 hash, __u32 shift)
{
	__u32 index = hash >> shift;
	struct hint_pair *pair = bpf_map_lookup_elem(&hints, &index);
	struct egress_destination *destination;

	if (pair) {
		/* Copied, and not pointed to: without CAP_PERFMON the verifier takes no
		 * pointer that is chosen between two. */
		__u32 hinted_hash = pair->recent.hash, id = pair->recent.id;

		if (hinted_hash != hash) {
			hinted_hash = pair->older.hash;
			id = pair->older.id;
		}
		if (hinted_hash == hash) {
			destination = bpf_map_lookup_elem(&destinations, &id);
			/* Listed: not while it is filled in, or taken out of the table. */
			if (destination && destination->state == EGRESS_LISTED &&
			    same_key(&destination->key, key))
				return destination;
		}
	}
	return look_up(key, hash);
}

/* A struct transport in one word. */
#define ABSENT(protocol) ((__u64)(protocol) << 16)
#define PRESENT(protocol, offset) (1 << 24 | ABSENT(protocol) | ((offset)&0xffff))

/* Where the transport header starts, for what is read once per destination or
 * once per oversized buffer.
 *
 * Neither static nor with a pointer to its result: from Linux 5.6 on such a
 * function is verified once, by itself, and not on each path that leads here. */
__noinline __u64 walk_headers(struct __sk_buff *skb, __u32 offset, __u32 family)
{
	struct {
		__u8 next;
		__u8 length;
		__be16 fragment_be;
	} extension;
	__u8 next;

	if (family == AF_INET) {
		struct iphdr ip;

		if (bpf_skb_load_bytes(skb, offset, &ip, sizeof(ip)))
			return 0;
		if (ip.frag_off & bpf_htons(IPV4_FRAGMENT_OFFSET))
			return ABSENT(ip.protocol);
		return PRESENT(ip.protocol, offset + ip.ihl * 4);
	}

	if (bpf_skb_load_bytes(skb, offset + offsetof(struct ipv6hdr, nexthdr), &next, sizeof(next)))
		return 0;
	offset += sizeof(struct ipv6hdr);
	for (int i = 0; i < IPV6_EXTENSIONS_MAX; i++) {
		if (next == IPPROTO_NONE)
			return ABSENT(next);
		if (!is_ipv6_extension(next))
			return PRESENT(next, offset);
		if (bpf_skb_load_bytes(skb, offset, &extension, sizeof(extension)))
			return ABSENT(next);
		if (next == IPPROTO_FRAGMENT && (extension.fragment_be & bpf_htons(IPV6_FRAGMENT_OFFSET)))
			return ABSENT(extension.next);
		if (next == IPPROTO_FRAGMENT)
			offset += 8;
		else if (next == IPPROTO_AH)
			offset += (extension.length + 2) * 4; /* RFC 4302, section 2.2 */
		else
			offset += (extension.length + 1) * 8; /* RFC 8200, section 4 */
		next = extension.next;
	}
	return ABSENT(next);
}

static __always_inline struct transport find_transport(struct __sk_buff *skb, __u32 offset, __u32 family)
{
	__u64 packed = walk_headers(skb, offset, family);

	return (struct transport){
		.offset = packed & 0xffff,
		.protocol = packed >> 16 & 0xff,
		.present = packed >> 24 & 1,
	};
}

static __always_inline bool is_excluded(const struct egress_key *key)
{
	__u32 set = *(volatile __u32 *)&choices_in_force;
	__u32 index = set * EGRESS_EXCLUDED_RECENTLY +
		      (__u32)(spread(key) / (0x100000000ULL / EGRESS_EXCLUDED_RECENTLY));
	struct egress_key *recent = bpf_map_lookup_elem(&excluded_recently, &index);
	struct egress_prefix prefix = {
		.length = EGRESS_FAMILY_BITS + 128,
		.family = key->family,
	};
	__u32 *choice;

	/* Torn keys must not be compared: counters.bpf.h. */
	if (preempt_rt)
		recent = NULL;
	if (recent && same_key(recent, key))
		return true;
	if (key->family == AF_INET)
		prefix.length = EGRESS_FAMILY_BITS + 32;
	__builtin_memcpy(prefix.address, key->address, sizeof(prefix.address));
	if (set)
		choice = bpf_map_lookup_elem(&choices_1, &prefix);
	else
		choice = bpf_map_lookup_elem(&choices_0, &prefix);
	if (!choice || *choice != EGRESS_EXCLUDE)
		return false;
	if (recent)
		*recent = *key; /* safe: this CPU's own */
	return true;
}

/* The ports of TCP, UDP, SCTP, DCCP and UDP-Lite begin with source, then
 * destination. */
static __always_inline bool has_ports(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
	       protocol == IPPROTO_DCCP || protocol == IPPROTO_UDPLITE;
}

static __always_inline bool is_own_port(__u16 port, bool tcp)
{
	__u32 word = port / 64 + (tcp ? 0 : EGRESS_OWN_PORTS_WORDS);
	__u64 *bits = bpf_map_lookup_elem(&own_ports, &word);

	return bits && *bits >> port % 64 & 1;
}

/* Messages that answer, or complain of, what somebody else sent: RFC 792, RFC
 * 950, RFC 4443, RFC 4861, RFC 4620. */
static __always_inline bool is_icmp_reply(__u8 protocol, __u8 type)
{
	if (protocol == IPPROTO_ICMP)
		return type == 0 || (type >= 3 && type <= 5) || type == 11 || type == 12 || type == 14 ||
		       type == 16 || type == 18;
	return (type >= 1 && type <= 4) || type == 129 || type == 136 || type == 140;
}

/* Whether a packet to an unlisted destination answers somebody else's. */
static __always_inline bool is_reply(struct __sk_buff *skb, const struct transport *transport, bool opens)
{
	__u8 protocol = transport->protocol, type;
	__be16 port_be;

	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
		return !transport->present ||
		       bpf_skb_load_bytes(skb, transport->offset, &type, sizeof(type)) ||
		       is_icmp_reply(protocol, type);
	if (!has_ports(protocol) || opens)
		return false;
	/* Later fragments tell nothing; the first has listed what is called. */
	return !transport->present || bpf_skb_load_bytes(skb, transport->offset, &port_be, sizeof(port_be)) ||
	       !is_own_port(bpf_ntohs(port_be), protocol == IPPROTO_TCP);
}

/* Gives the key a record and describes its first packet. NULL: the table is
 * full. */
static __always_inline struct egress_destination *list(struct __sk_buff *skb, const struct egress_key *key,
						       const struct transport *transport, __u32 slot,
						       struct egress_interface *interface)
{
	struct egress_destination *destination;
	const __u32 only = 0;
	__be16 port_be = 0;
	__u32 id, *first;
	__u64 *taken;

	if (bpf_map_pop_elem(&free_ids, &id))
		return NULL;
	destination = bpf_map_lookup_elem(&destinations, &id);
	taken = bpf_map_lookup_elem(&ids_taken, &only);
	if (!destination || !taken)
		return NULL;
	/* Used ids come before those that never were, and these in their order. */
	if (!destination->first_seen_ns)
		add_own(taken, 1, preempt_rt);

	if (transport->present && has_ports(transport->protocol))
		bpf_skb_load_bytes(skb, transport->offset + sizeof(port_be), &port_be, sizeof(port_be));
	/* Safe: no other CPU knows this id until the key is in the table. */
	destination->key = *key;
	destination->slot = slot;
	destination->port = bpf_ntohs(port_be);
	destination->protocol = transport->protocol;
	destination->first_seen_ns = bpf_ktime_get_ns();

	if (!bpf_map_update_elem(&destination_ids, key, &id, BPF_NOEXIST)) {
		destination->state = EGRESS_LISTED;
		add_own(&interface->new_destinations, 1, preempt_rt);
		return destination;
	}
	/* Another CPU was first (EEXIST), or the bucket is busy (EBUSY). */
	bpf_map_push_elem(&free_ids, &id, BPF_ANY);
	first = bpf_map_lookup_elem(&destination_ids, key);
	return first ? bpf_map_lookup_elem(&destinations, first) : NULL;
}

static __always_inline void add_to_record(struct egress_destination *destination, __u64 packets, __u64 bytes,
					  bool opens, const bool preempted)
{
	__u32 place = destination->cpu_counts;
	struct egress_counts *own = place ? bpf_map_lookup_elem(&cpu_counts, &place) : NULL;

	if (own) {
		add_own(&own->packets, packets, preempted);
		add_own(&own->bytes, bytes, preempted);
		add_own(&own->tcp_connects, opens, preempted);
		return;
	}
	/* Atomic: CPUs share the record. */
	__sync_fetch_and_add(&destination->packets, packets);
	__sync_fetch_and_add(&destination->bytes, bytes);
	if (opens)
		__sync_fetch_and_add(&destination->tcp_connects, 1);
}

/* &interface->unlisted[reason], but with constant offsets, for the same reason
 * as in read(). */
static __always_inline struct egress_counter *unlisted(struct egress_interface *interface,
						       enum egress_unlisted reason)
{
	struct egress_counter *counter;

#define CASE(constant)                                                                                       \
	case constant:                                                                                       \
		counter = &interface->unlisted[constant];                                                    \
		barrier_var(counter); /* else clang computes the offset */                                   \
		return counter

	switch (reason) {
		CASE(EGRESS_EXCLUDED);
		CASE(EGRESS_OVERFLOW);
		CASE(EGRESS_REPLY);
		CASE(EGRESS_NOT_IP);
	default:
		CASE(EGRESS_MALFORMED);
	}
#undef CASE
}

/* Counts once for the interface, and once for the destination or the reason why
 * there is none. */
static __always_inline void account(struct egress_interface *interface,
				    struct egress_destination *destination, enum egress_unlisted reason,
				    __u64 packets, __u64 bytes, bool opens, const bool preempted)
{
	add(&interface->total, packets, bytes, preempted);
	if (destination)
		add_to_record(destination, packets, bytes, opens, preempted);
	else
		add(unlisted(interface, reason), packets, bytes, preempted);
}

/* Whether the packet gets no record; of the address that it has, and
 * not of the prefix that stands for it. */
static __always_inline bool is_left_out(struct __sk_buff *skb, int offset, const struct egress_key *key)
{
	struct egress_key full = *key;

	if (ipv4_prefix_length != 32 && key->family == AF_INET)
		bpf_skb_load_bytes(skb, offset + offsetof(struct iphdr, daddr), full.address,
				   sizeof(full.address[0]));
	if (ipv6_prefix_length != 128 && key->family == AF_INET6)
		bpf_skb_load_bytes(skb, offset + offsetof(struct ipv6hdr, daddr), full.address,
				   sizeof(full.address));
	return is_excluded(&full);
}

/* Counts the packet, whose network header is at `offset`; -1: the frame ends
 * before it. */
static __always_inline void count(struct __sk_buff *skb, const bool has_gso_size, const int plain, int offset,
				  __be16 ethertype_be, __u32 shift)
{
	__u32 ifindex = skb->ifindex;
	__u16 family = AF_INET;
	struct egress_key key; /* of what is IP */
	struct egress_destination *destination = NULL;
	enum egress_unlisted reason = EGRESS_MALFORMED;
	struct transport transport = {};
	struct outlook outlook = {};
	struct egress_interface *interface;
	__u64 packets = 1, bytes;
	__u32 slot, gso_size = 0;
	bool is_ip = false, is_new = false, segmented;

	if (offset >= 0)
		is_ip = read_network(skb, plain, offset, ethertype_be, ifindex, &key, &outlook, &family,
				     &reason);
	if (plain == 0 && (!is_ip || outlook.tunnel)) {
		offset = find_network_header(skb);
		if (offset > 0)
			is_ip = read_network(skb, NOT_PLAIN, offset, ethertype_be, ifindex, &key, &outlook,
					     &family, &reason);
	}
	if (is_ip) {
		destination = find(&key, spread(&key), shift);
		if (!destination) {
			is_new = !is_left_out(skb, offset, &key);
			reason = EGRESS_EXCLUDED;
		}
	}

	bytes = skb->len;
	if (has_gso_size)
		gso_size = skb->gso_size;
	segmented = has_gso_size ? gso_size : skb->gso_segs > 1 || skb->wire_len > bytes;
	if (is_new || (is_ip && segmented) || (destination && outlook.hidden)) {
		transport = find_transport(skb, offset, family);
		if (outlook.hidden && transport.present && transport.protocol == IPPROTO_TCP) {
			__u8 tcp_flags = 0;

			bpf_skb_load_bytes(skb, transport.offset + TCP_FLAGS, &tcp_flags, sizeof(tcp_flags));
			outlook.opens = opens_connection(tcp_flags);
		}
	}
	if (segmented) {
		__u64 size = measure_segments(skb, gso_size, transport.protocol,
					      transport.present ? transport.offset : 0,
					      family == AF_INET6 ? offset : -1);

		packets = WIRE_PACKETS(size);
		bytes = WIRE_BYTES(size);
	}
	/* A tunnel's headers count on the device that sends them. */
	if (plain == 0 && offset > 0)
		bytes -= packets * offset;
	/* A tag in the metadata is in no length, but the wire sees it. */
	if (skb->vlan_present)
		bytes += packets * VLAN_HLEN;

	if (destination) {
		slot = destination->slot;
	} else {
		struct egress_slot *found = bpf_map_lookup_elem(&interface_slots, &ifindex);

		if (!found)
			return;
		slot = found->slot;
	}
	interface = bpf_map_lookup_elem(&interfaces, &slot);
	if (!interface)
		return;

	if (is_new) {
		if (aggregate_replies && is_reply(skb, &transport, outlook.opens)) {
			reason = EGRESS_REPLY;
		} else {
			destination = list(skb, &key, &transport, slot, interface);
			reason = EGRESS_OVERFLOW;
		}
	}
	if (preempt_rt)
		account(interface, destination, reason, packets, bytes, outlook.opens, true);
	else
		account(interface, destination, reason, packets, bytes, outlook.opens, false);
}

/* Devices whose frames begin with an Ethernet header. */
static __always_inline int count_ethernet(struct __sk_buff *skb, const bool has_gso_size)
{
	int offset = ETH_HLEN;
	__be16 ethertype_be;
	__u32 shift = load_hint_shift();

	if (!read(skb, 0, 0, offsetof(struct ethhdr, h_proto), &ethertype_be, sizeof(ethertype_be)))
		offset = -1;
	else if (is_vlan_tag(ethertype_be))
		offset = skip_vlan_tags(skb, &ethertype_be);
	count(skb, has_gso_size, ETH_HLEN, offset, ethertype_be, shift);
	/* The packet goes on to the next program, whoever's it is. */
	return TC_ACT_UNSPEC;
}

/* Devices without a link header (tun, WireGuard, PPP, ipip): the packet begins
 * with what skb->protocol says, or lies behind the tunnel's own headers. */
static __always_inline int count_ip(struct __sk_buff *skb, const bool has_gso_size)
{
	__u32 shift = load_hint_shift();

	count(skb, has_gso_size, 0, 0, skb->protocol, shift);
	return TC_ACT_UNSPEC;
}

SEC("tc")
int egress_ethernet(struct __sk_buff *skb)
{
	return count_ethernet(skb, true);
}

SEC("tc")
int egress_ip(struct __sk_buff *skb)
{
	return count_ip(skb, true);
}

/* For kernels before 5.7. Not by a setting: 5.4 also verifies what constants rule
 * out (kernel a23740ec43ba). */
SEC("tc")
int egress_eth_old(struct __sk_buff *skb)
{
	return count_ethernet(skb, false);
}

SEC("tc")
int egress_ip_old(struct __sk_buff *skb)
{
	return count_ip(skb, false);
}

/* Gives `free_ids` its next id. User space runs it at the start, once for each: a system call for each would
 * take as long as all else. The last id goes first, so the table fills from its start. */
SEC("tc")
int egress_fill(struct __sk_buff *skb __attribute__((unused)))
{
	__u32 id = unfilled - 1;

	if (unfilled > 0 && bpf_map_push_elem(&free_ids, &id, BPF_ANY) == 0)
		unfilled = id;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
