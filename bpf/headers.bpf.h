/* SPDX-License-Identifier: GPL-2.0-only */
/* Link and network headers: where they are, and the key that they give. */
#ifndef EGRESS_HEADERS_BPF_H
#define EGRESS_HEADERS_BPF_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "egress.h"
#include "key.bpf.h"
#include "packet.bpf.h"
#include "settings.bpf.h"

/* include/linux/if_vlan.h: a tag is 16 bits of control information, then the
 * EtherType of what follows. */
#define VLAN_HLEN 4
#define VLAN_TAGS_MAX 2 /* in the frame: 802.1ad outside, 802.1Q inside */

/* Where no direct access is worth its while. */
#define NO_USUAL_OFFSET -1

/* An outer IPv6 header, GRE with checksum, key and number, and GUE with options. */
#define PUSHED_HEADERS_MAX 96

/* RFC 9293, section 3.1: the byte of the flags, and two of them. */
#define TCP_FLAGS 13
#define TCP_SYN 0x02
#define TCP_ACK 0x10

/* RFC 791, section 3.1, and RFC 8200, section 4.5: the fragment's offset. */
#define IPV4_FRAGMENT_OFFSET 0x1fff
#define IPV6_FRAGMENT_OFFSET 0xfff8

/* Copies a header, or the part of one, from `offset`, which nearly always is
 * `usual_offset`. False where the packet ends before.
 *
 * Direct access costs a comparison, a helper call 50 ns. But without
 * CAP_PERFMON the verifier takes packet pointers with constant offsets alone,
 * and none that is compared with NULL: hence direct access at `usual_offset`, which
 * is known at compile time, and copies from tagged frames and nonlinear
 * buffers. */
static __always_inline bool load_header(struct __sk_buff *skb, const int usual_offset, int offset,
					const int field, void *to, const int size)
{
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	long error = 0;

	if (offset == usual_offset && data + usual_offset + field + size <= data_end)
		/* Few loads: machines with a BPF JIT take them unaligned. */
		__builtin_memcpy(to, __builtin_assume_aligned(data + usual_offset + field, 4), size);
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

static __always_inline bool opens_connection(__u8 tcp_flags)
{
	return (tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

static __always_inline bool read_ipv4(struct __sk_buff *skb, const int usual_offset, struct packet *packet)
{
	struct tcp_peek *peek = &packet->peek;
	int offset = packet->offset;
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	__u8 version_and_words, protocol, tcp_flags;
	__be16 fragment_be;
	__be32 address;

	/* As load_header() does it, but without a copy of what is not asked for. */
	if (offset == usual_offset && data + usual_offset + sizeof(struct iphdr) <= data_end) {
		const struct iphdr *ip = __builtin_assume_aligned(data + usual_offset, 4);

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
	make_key(&packet->key, skb->ifindex, AF_INET, ipv4_prefix_length, packet->service,
		 concat_bits(address & ipv4_mask_be, 0, 32), 0);
	peek->is_gre = protocol == IPPROTO_GRE;
	if (protocol == IPPROTO_TCP && !(fragment_be & bpf_htons(IPV4_FRAGMENT_OFFSET))) {
		peek->behind_options = version_and_words != 0x45;
		if (!peek->behind_options &&
		    load_header(skb, usual_offset, offset, sizeof(struct iphdr) + TCP_FLAGS, &tcp_flags,
				sizeof(tcp_flags)))
			peek->is_syn = opens_connection(tcp_flags);
	}
	/* The total length says nothing: it is 0 in IPv4 BIG TCP (kernel b1a78b9b9886). */
	return version_and_words >= 0x45 && version_and_words <= 0x4f &&
	       offset + (version_and_words & 0xf) * 4U <= skb->len;
}

static __always_inline bool read_ipv6(struct __sk_buff *skb, const int usual_offset, struct packet *packet)
{
	struct tcp_peek *peek = &packet->peek;
	int offset = packet->offset;
	void *data = (void *)(long)skb->data;
	void *data_end = (void *)(long)skb->data_end;
	__u8 version, next, tcp_flags;
	__u64 first, last;

	/* As in read_ipv4(). */
	if (offset == usual_offset && data + usual_offset + sizeof(struct ipv6hdr) <= data_end) {
		const struct ipv6hdr *ip = __builtin_assume_aligned(data + usual_offset, 8);
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
		first = concat_bits(ip.daddr.s6_addr32[0], ip.daddr.s6_addr32[1], 32);
		last = concat_bits(ip.daddr.s6_addr32[2], ip.daddr.s6_addr32[3], 32);
	}
	make_key(&packet->key, skb->ifindex, AF_INET6, ipv6_prefix_length, packet->service,
		 first & ipv6_mask_be[0], last & ipv6_mask_be[1]);
	peek->is_gre = next == IPPROTO_GRE;
	peek->behind_options = is_ipv6_extension(next);
	if (next == IPPROTO_TCP && load_header(skb, usual_offset, offset, sizeof(struct ipv6hdr) + TCP_FLAGS,
					       &tcp_flags, sizeof(tcp_flags)))
		peek->is_syn = opens_connection(tcp_flags);
	return version == 6;
}

/* Whether the packet is IP, and if so, its key. */
static __always_inline bool read_network(struct __sk_buff *skb, const int usual_offset, __be16 ethertype_be,
					 struct packet *packet)
{
	if (ethertype_be == bpf_htons(ETH_P_IP))
		return read_ipv4(skb, usual_offset, packet);
	if (ethertype_be == bpf_htons(ETH_P_IPV6)) {
		packet->family = AF_INET6;
		return read_ipv6(skb, usual_offset, packet);
	}
	packet->reason = EGRESS_NOT_IP;
	return false;
}

/* Reads the network header at the packet's offset, or where it really is. */
static __always_inline void parse(struct __sk_buff *skb, const int usual_offset, __be16 ethertype_be,
				  struct packet *packet)
{
	if (packet->offset >= 0)
		packet->is_ip = read_network(skb, usual_offset, ethertype_be, packet);
	if (usual_offset == 0 && (!packet->is_ip || packet->peek.is_gre)) {
		packet->offset = find_network_header(skb);
		if (packet->offset > 0)
			packet->is_ip = read_network(skb, NO_USUAL_OFFSET, ethertype_be, packet);
	}
}

#endif
