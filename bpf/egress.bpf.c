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
#include "service.bpf.h"

/* Where the packet's interface counts: the slot, and what is there. NULL: nowhere. */
static __always_inline struct egress_interface *
find_interface(struct __sk_buff *skb, const struct egress_destination *destination, __u32 *slot)
{
	if (destination) {
		*slot = destination->slot;
	} else {
		__u32 ifindex = skb->ifindex;
		struct egress_slot *found = bpf_map_lookup_elem(&interface_slots, &ifindex);

		if (!found)
			return NULL;
		*slot = found->slot;
	}
	return bpf_map_lookup_elem(&interfaces, slot);
}

/* Gives a packet whose destination is not listed a new record, or the reason why it
 * gets none. */
static __always_inline struct egress_destination *classify(struct __sk_buff *skb, struct packet *packet,
							   __u32 slot, struct egress_interface *interface)
{
	packet->reason = EGRESS_EXCLUDED;
	if (is_address_excluded(skb, packet))
		return NULL;
	find_transport(skb, packet);
	packet->reason = EGRESS_REPLY;
	if (aggregate_replies && is_reply(skb, packet))
		return NULL;
	packet->reason = EGRESS_OVERFLOW;
	return create_record(skb, packet, slot, interface);
}

/* What the wire sees of the packet. */
static __always_inline struct egress_counter measure(struct __sk_buff *skb, const bool has_gso_size,
						     const int usual_offset, struct packet *packet)
{
	struct egress_counter size = {.packets = 1, .bytes = skb->len};
	__u32 gso_size = 0;
	bool segmented;

	if (has_gso_size)
		gso_size = skb->gso_size;
	segmented = has_gso_size ? gso_size : skb->gso_segs > 1 || skb->wire_len > size.bytes;
	if (segmented) {
		struct transport *transport = &packet->transport;
		__u64 wire_size;

		if (packet->is_ip)
			find_transport(skb, packet);
		wire_size = measure_segments(skb, gso_size, transport->protocol,
					     transport->present ? transport->offset : 0,
					     packet->family == AF_INET6 ? packet->offset : -1);
		size.packets = WIRE_PACKETS(wire_size);
		size.bytes = WIRE_BYTES(wire_size);
	}
	/* A tunnel's headers count on the device that sends them. */
	if (usual_offset == 0 && packet->offset > 0)
		size.bytes -= size.packets * packet->offset;
	/* A tag in the metadata is in no length, but the wire sees it. */
	if (skb->vlan_present)
		size.bytes += size.packets * VLAN_HLEN;
	return size;
}

/* Counts the packet, whose network header is at `offset`; -1: the frame ends
 * before it. */
static __always_inline void count(struct __sk_buff *skb, const bool has_gso_size, const int usual_offset,
				  int offset, __be16 ethertype_be, __u32 shift)
{
	struct packet packet = {.offset = offset, .family = AF_INET, .reason = EGRESS_MALFORMED};
	struct egress_destination *destination = NULL;
	struct egress_interface *interface;
	struct egress_counter size;
	__u32 slot;

	if (by_service)
		packet.service = find_service(skb);
	parse(skb, usual_offset, ethertype_be, &packet);
	if (packet.is_ip)
		destination = find_cached(&packet.key, hash_key(&packet.key), shift);
	interface = find_interface(skb, destination, &slot);
	if (!interface)
		return;
	if (packet.is_ip && !destination)
		destination = classify(skb, &packet, slot, interface);
	else if (destination && packet.peek.behind_options)
		find_transport(skb, &packet);
	size = measure(skb, has_gso_size, usual_offset, &packet);
	if (preempt_rt)
		account(interface, destination, &packet, &size, true);
	else
		account(interface, destination, &packet, &size, false);
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

/* Lets a record count for another service: struct egress_fold is the packet. Says what became of it (enum
 * egress_folded). */
SEC("tc")
int egress_fold(struct __sk_buff *skb)
{
	struct egress_fold wanted;

	if (bpf_skb_load_bytes(skb, 0, &wanted, sizeof(wanted)))
		return EGRESS_FOLD_REFUSED;
	return fold(&wanted);
}

char LICENSE[] SEC("license") = "GPL";
