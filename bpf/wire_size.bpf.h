/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many packets, and of how many bytes, the wire sees of an oversized buffer
 * (generic segmentation offload).
 *
 * The kernel's own estimate, wire_len, is made before the first program runs
 * (qdisc_pkt_len_init, net/core/dev.c): it knows nothing of what programs change,
 * takes an IPv6 routing header for the transport header, and leaves out what
 * segmentation adds and removes. So it is asked only where the headers of a packet
 * are not found in the buffer: in tunnels.
 */
#ifndef EGRESS_WIRE_SIZE_BPF_H
#define EGRESS_WIRE_SIZE_BPF_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* include/linux/skbuff.h: packets end where fragments do. Only SCTP makes them. */
#define GSO_BY_FRAGS 0xffff
/* include/linux/netdevice.h: what is longer is BIG TCP's. */
#define GSO_LEGACY_MAX_SIZE 65536

#define SCTP_HEADER 12 /* RFC 9260, section 3.1 */
#define TCP_DATA_OFFSET 12 /* RFC 9293, section 3.1 */
#define IPV6_FRAGMENT_HEADER 8 /* RFC 8200, section 4.5 */
#define IPV6_JUMBO_HEADER 8 /* RFC 2675, section 2, with the hop-by-hop header around it */

/* Numbers of segments that are tried against the estimate. */
#define SEGMENTS_TRIED 4

/* Whether wire_len has the inner headers of tunnels: Linux 6.11. Older kernels
 * make it look like that of UDP fragmentation offload. */
const volatile bool wire_len_knows_tunnels = true;

/* Whether a sender that does not count can leave datagrams to be cut: Linux 6.2.
 * Older kernels know only fragments from virtual machines and packet sockets, and
 * estimate as if each had a UDP header. */
const volatile bool cuts_uncounted_datagrams = true;

/* Both numbers in one word, for the reason that walk_headers() gives. */
#define WIRE_SIZE(packets, bytes) ((__u64)(packets) << 48 | ((bytes)&0xffffffffffff))
#define WIRE_PACKETS(size) ((size) >> 48)
#define WIRE_BYTES(size) ((size)&0xffffffffffff)

/* A buffer, and what the kernel says of its segmentation. */
struct gso {
	__u32 length;
	__u32 added; /* to the length, by the estimate */
	__u32 size; /* payload of each packet but the last; 0: Linux before 5.7 does not say */
};

/* How many packets a buffer becomes whose packets have these headers. */
static __always_inline __u32 count_segments(const struct gso *gso, __u32 headers)
{
	if (!gso->size)
		return gso->added / headers + 1;
	return gso->length > headers ? (gso->length - headers + gso->size - 1) / gso->size : 1;
}

/* The same, if that is how the estimate was made; else 0. */
static __always_inline __u32 count_if_estimated(const struct gso *gso, __u32 headers)
{
	__u32 packets = count_segments(gso, headers);

	return (__u64)(packets - 1) * headers == gso->added ? packets : 0;
}

/* The same for headers that are not known: the number that fits the estimate,
 * (packets - 1) * headers. */
static __always_inline __u32 guess_segments(const struct gso *gso)
{
	__u32 most = gso->size ? (gso->length + gso->size - 1) / gso->size : 1;

	if (!gso->added)
		return 1;
		/* Without CAP_PERFMON the verifier follows speculation around a loop without end. */
#pragma unroll
	for (__u32 i = 0; i < SEGMENTS_TRIED; i++) {
		if (most <= i + 1)
			break;
		__u32 packets = most - i, headers = gso->added / (packets - 1);

		if (headers && count_if_estimated(gso, headers) == packets)
			return packets;
	}
	return most;
}

/* The hop-by-hop header with which IPv6 BIG TCP tells its length, and which no
 * packet has: ipv6_has_hopopt_jumbo(), Linux 5.19 to 6.18. */
static __always_inline bool has_jumbo_header(struct __sk_buff *skb, int ipv6)
{
	struct {
		struct ipv6hdr ip;
		__u8 next, length, option;
	} headers;

	return ipv6 >= 0 && skb->len > GSO_LEGACY_MAX_SIZE &&
	       !bpf_skb_load_bytes(skb, ipv6, &headers, offsetof(typeof(headers), option) + 1) &&
	       headers.ip.nexthdr == IPPROTO_HOPOPTS && headers.next == IPPROTO_TCP && !headers.length &&
	       headers.option == 194 /* RFC 2675, section 2 */;
}

/* The size of a buffer that is to be segmented, as WIRE_SIZE().
 *
 * @gso_size: as in struct gso
 * @protocol, @transport: of the outer transport header, and its offset; 0: none
 * @ipv6: offset of the outer IPv6 header; -1: none */
__noinline __u64 measure_segments(struct __sk_buff *skb, __u32 gso_size, __u32 protocol, __u32 transport,
				  int ipv6)
{
	struct gso gso = {.length = skb->len, .size = gso_size};
	__u32 estimate = skb->wire_len, packets = skb->gso_segs, headers, each;
	__u64 bytes = skb->len;

	if (estimate > gso.length) {
		gso.added = estimate - gso.length;
		bytes = estimate;
	}
	if (gso_size == GSO_BY_FRAGS) {
		/* The estimate has all headers but this. */
		packets = packets ?: 1;
		return WIRE_SIZE(packets, bytes + (packets - 1) * SCTP_HEADER);
	}
	if (transport && protocol == IPPROTO_TCP) {
		__u8 data_offset = 0;

		bpf_skb_load_bytes(skb, transport + TCP_DATA_OFFSET, &data_offset, sizeof(data_offset));
		headers = transport + (data_offset >> 4) * 4;
		packets = packets ?: count_segments(&gso, headers);
		bytes = gso.length + (__u64)(packets - 1) * headers;
		if (has_jumbo_header(skb, ipv6))
			bytes -= packets * IPV6_JUMBO_HEADER;
		return WIRE_SIZE(packets, bytes);
	}
	if (!transport || protocol != IPPROTO_UDP) {
		/* Tunnels, and what is not IP. */
		packets = packets ?: guess_segments(&gso);
		return WIRE_SIZE(packets, bytes);
	}

	/* Datagrams, the fragments of one, or a tunnel. */
	headers = transport + sizeof(struct udphdr);
	if (!packets) {
		packets = count_if_estimated(&gso, headers);
		if (packets && !cuts_uncounted_datagrams) {
			if (gso.size)
				packets = count_segments(&gso, transport);
			gso.added = (packets - 1) * transport;
			bytes = gso.length + gso.added;
		}
		packets = packets ?: count_if_estimated(&gso, transport);
		packets = packets ?: guess_segments(&gso);
	} else if (!wire_len_knows_tunnels) {
		return WIRE_SIZE(packets, bytes);
	}
	each = packets > 1 ? gso.added / (packets - 1) : headers;
	if (each == transport) {
		/* UDP fragmentation offload: virtual machines still use it. */
		if (ipv6 >= 0)
			bytes += packets * IPV6_FRAGMENT_HEADER;
	} else if (each < headers) {
		/* Datagrams behind a routing header. */
		packets = skb->gso_segs ?: count_segments(&gso, headers);
		bytes = gso.length + (__u64)(packets - 1) * headers;
	}
	return WIRE_SIZE(packets, bytes);
}

#endif
