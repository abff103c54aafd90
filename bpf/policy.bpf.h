/* SPDX-License-Identifier: GPL-2.0-only */
/* Which destinations get no record: excluded ones, and whoever only gets replies. */
#ifndef EGRESS_POLICY_BPF_H
#define EGRESS_POLICY_BPF_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "counters.bpf.h"
#include "egress.h"
#include "key.bpf.h"
#include "maps.bpf.h"
#include "settings.bpf.h"
#include "transport.bpf.h"

static __always_inline bool is_excluded(const struct egress_key *key)
{
	__u32 set = *(volatile __u32 *)&prefix_rules_in_force;
	__u32 index = set * EGRESS_EXCLUDED_RECENTLY +
		      (__u32)(hash_key(key) / (0x100000000ULL / EGRESS_EXCLUDED_RECENTLY));
	struct egress_key *recent = bpf_map_lookup_elem(&excluded_recently, &index);
	struct egress_prefix prefix = {
		.length = EGRESS_FAMILY_BITS + 128,
		.family = key->family,
	};
	__u32 *action;

	/* Torn keys must not be compared: counters.bpf.h. */
	if (preempt_rt)
		recent = NULL;
	if (recent && same_key(recent, key))
		return true;
	if (key->family == AF_INET)
		prefix.length = EGRESS_FAMILY_BITS + 32;
	__builtin_memcpy(prefix.address, key->address, sizeof(prefix.address));
	if (set)
		action = bpf_map_lookup_elem(&prefix_rules_1, &prefix);
	else
		action = bpf_map_lookup_elem(&prefix_rules_0, &prefix);
	if (!action || *action != EGRESS_EXCLUDE)
		return false;
	if (recent)
		*recent = *key; /* safe: this CPU's own */
	return true;
}

/* Whether the packet gets no record; of the address that it has, and
 * not of the prefix that stands for it. */
static __always_inline bool is_address_excluded(struct __sk_buff *skb, const struct packet *packet)
{
	/* Whoever sends there. */
	struct egress_key full = of_any_service(&packet->key);

	if (ipv4_prefix_length != 32 && full.family == AF_INET)
		bpf_skb_load_bytes(skb, packet->offset + offsetof(struct iphdr, daddr), full.address,
				   sizeof(full.address[0]));
	if (ipv6_prefix_length != 128 && full.family == AF_INET6)
		bpf_skb_load_bytes(skb, packet->offset + offsetof(struct ipv6hdr, daddr), full.address,
				   sizeof(full.address));
	return is_excluded(&full);
}

static __always_inline bool is_client_port(__u16 port, bool tcp)
{
	__u32 word = port / 64 + (tcp ? 0 : EGRESS_CLIENT_PORTS_WORDS);
	__u64 *bits = bpf_map_lookup_elem(&client_ports, &word);

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
static __always_inline bool is_reply(struct __sk_buff *skb, const struct packet *packet)
{
	const struct transport *transport = &packet->transport;
	__u8 protocol = transport->protocol, type;
	__be16 port_be;

	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6)
		return !transport->present ||
		       bpf_skb_load_bytes(skb, transport->offset, &type, sizeof(type)) ||
		       is_icmp_reply(protocol, type);
	if (!has_ports(protocol) || packet->peek.is_syn)
		return false;
	/* Later fragments tell nothing; the first has listed what is called. */
	return !transport->present || bpf_skb_load_bytes(skb, transport->offset, &port_be, sizeof(port_be)) ||
	       !is_client_port(bpf_ntohs(port_be), protocol == IPPROTO_TCP);
}

#endif
