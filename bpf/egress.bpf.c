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
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "counters.bpf.h"
#include "wire_size.bpf.h"
#include "headers.bpf.h"
#include "lookup.bpf.h"
#include "transport.bpf.h"
#include "policy.bpf.h"
#include "record.bpf.h"

/* Counts the packet, whose network header is at `offset`; -1: the frame ends
 * before it. */
static __always_inline void count(struct __sk_buff *skb, const bool has_gso_size, const int usual_offset,
				  int offset, __be16 ethertype_be, __u32 shift)
{
	__u32 ifindex = skb->ifindex;
	__u16 family = AF_INET;
	struct egress_key key; /* of what is IP */
	struct egress_destination *destination = NULL;
	enum egress_unlisted reason = EGRESS_MALFORMED;
	struct transport transport = {};
	struct tcp_peek peek = {};
	struct egress_interface *interface;
	__u64 packets = 1, bytes;
	__u32 slot, gso_size = 0;
	bool is_ip = false, is_new = false, segmented;

	if (offset >= 0)
		is_ip = read_network(skb, usual_offset, offset, ethertype_be, ifindex, &key, &peek, &family,
				     &reason);
	if (usual_offset == 0 && (!is_ip || peek.is_gre)) {
		offset = find_network_header(skb);
		if (offset > 0)
			is_ip = read_network(skb, NO_USUAL_OFFSET, offset, ethertype_be, ifindex, &key, &peek,
					     &family, &reason);
	}
	if (is_ip) {
		destination = find_cached(&key, hash_key(&key), shift);
		if (!destination) {
			is_new = !is_address_excluded(skb, offset, &key);
			reason = EGRESS_EXCLUDED;
		}
	}

	bytes = skb->len;
	if (has_gso_size)
		gso_size = skb->gso_size;
	segmented = has_gso_size ? gso_size : skb->gso_segs > 1 || skb->wire_len > bytes;
	if (is_new || (is_ip && segmented) || (destination && peek.behind_options)) {
		transport = find_transport(skb, offset, family);
		if (peek.behind_options && transport.present && transport.protocol == IPPROTO_TCP) {
			__u8 tcp_flags = 0;

			bpf_skb_load_bytes(skb, transport.offset + TCP_FLAGS, &tcp_flags, sizeof(tcp_flags));
			peek.is_syn = opens_connection(tcp_flags);
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
	if (usual_offset == 0 && offset > 0)
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
		if (aggregate_replies && is_reply(skb, &transport, peek.is_syn)) {
			reason = EGRESS_REPLY;
		} else {
			destination = create_record(skb, &key, &transport, slot, interface);
			reason = EGRESS_OVERFLOW;
		}
	}
	if (preempt_rt)
		account(interface, destination, reason, packets, bytes, peek.is_syn, true);
	else
		account(interface, destination, reason, packets, bytes, peek.is_syn, false);
}

/* Devices whose frames begin with an Ethernet header. */
static __always_inline int count_ethernet(struct __sk_buff *skb, const bool has_gso_size)
{
	int offset = ETH_HLEN;
	__be16 ethertype_be;
	__u32 shift = load_lookup_cache_shift();

	if (!load_header(skb, 0, 0, offsetof(struct ethhdr, h_proto), &ethertype_be, sizeof(ethertype_be)))
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
	__u32 shift = load_lookup_cache_shift();

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
