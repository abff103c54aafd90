/* SPDX-License-Identifier: GPL-2.0-only */
/* The transport header: where it is, behind which extension headers. */
#ifndef EGRESS_TRANSPORT_BPF_H
#define EGRESS_TRANSPORT_BPF_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "headers.bpf.h"

/* RFC 8200, section 4.1 recommends at most seven extension headers, each once. */
#define IPV6_EXTENSIONS_MAX 8

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

/* Finds the packet's transport header, and whether it opens a connection where nobody has
 * looked. */
static __always_inline void find_transport(struct __sk_buff *skb, struct packet *packet)
{
	__u64 packed = walk_headers(skb, packet->offset, packet->family);
	struct transport *transport = &packet->transport;

	transport->offset = packed & 0xffff;
	transport->protocol = packed >> 16 & 0xff;
	transport->present = packed >> 24 & 1;
	if (packet->peek.behind_options && transport->present && transport->protocol == IPPROTO_TCP) {
		__u8 tcp_flags = 0;

		bpf_skb_load_bytes(skb, transport->offset + TCP_FLAGS, &tcp_flags, sizeof(tcp_flags));
		packet->peek.is_syn = opens_connection(tcp_flags);
	}
}

/* The ports of TCP, UDP, SCTP, DCCP and UDP-Lite begin with source, then
 * destination. */
static __always_inline bool has_ports(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
	       protocol == IPPROTO_DCCP || protocol == IPPROTO_UDPLITE;
}

#endif
