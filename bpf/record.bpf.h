/* SPDX-License-Identifier: GPL-2.0-only */
/* Records of destinations: a new one, and what is added to one or to a reason. */
#ifndef EGRESS_RECORD_BPF_H
#define EGRESS_RECORD_BPF_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "counters.bpf.h"
#include "egress.h"
#include "maps.bpf.h"
#include "transport.bpf.h"

/* Gives the key a record and describes its first packet, and who sent it. NULL: the table is
 * full. */
static __always_inline struct egress_destination *create_record(struct __sk_buff *skb,
								const struct packet *packet, __u32 slot,
								struct egress_interface *interface)
{
	const struct transport *transport = &packet->transport;
	const struct egress_key *key = &packet->key;
	struct egress_destination *destination;
	struct egress_sender *sender;
	const __u32 only = 0;
	__be16 port_be = 0;
	__u32 id, *first;
	__u64 *taken;

	if (bpf_map_pop_elem(&free_ids, &id))
		return NULL;
	destination = bpf_map_lookup_elem(&destinations, &id);
	sender = bpf_map_lookup_elem(&first_senders, &id);
	taken = bpf_map_lookup_elem(&ids_taken, &only);
	if (!destination || !sender || !taken)
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
	sender->cgroup_id = bpf_skb_cgroup_id(skb);
	sender->ingress_ifindex = skb->ingress_ifindex;
	sender->uid = bpf_get_socket_uid(skb);

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

static __always_inline void add_to_record(struct egress_destination *destination,
					  const struct egress_counter *size, bool is_syn,
					  const bool preempted)
{
	__u32 cpu_slot = destination->cpu_slot;
	struct egress_counts *own = cpu_slot ? bpf_map_lookup_elem(&cpu_counts, &cpu_slot) : NULL;

	if (own) {
		add_own(&own->packets, size->packets, preempted);
		add_own(&own->bytes, size->bytes, preempted);
		add_own(&own->tcp_connects, is_syn, preempted);
		return;
	}
	/* Atomic: CPUs share the record. */
	__sync_fetch_and_add(&destination->packets, size->packets);
	__sync_fetch_and_add(&destination->bytes, size->bytes);
	if (is_syn)
		__sync_fetch_and_add(&destination->tcp_connects, 1);
}

/* &interface->unlisted[reason], but with constant offsets, for the same reason
 * as in load_header(). */
static __always_inline struct egress_counter *unlisted(struct egress_interface *interface,
						       enum egress_unlisted reason)
{
	struct egress_counter *counter;

#define CASE(constant, label)                                                                                \
	case constant:                                                                                       \
		counter = &interface->unlisted[constant];                                                    \
		barrier_var(counter); /* else clang computes the offset */                                   \
		return counter;

	switch (reason) {
		EGRESS_FOR_EACH_PROGRAM_REASON(CASE, default : CASE)
	}
#undef CASE
}

/* Counts once for the interface, and once for the destination or the reason why
 * there is none. */
static __always_inline void account(struct egress_interface *interface,
				    struct egress_destination *destination, const struct packet *packet,
				    const struct egress_counter *size, const bool preempted)
{
	add_counter(&interface->total, size, preempted);
	if (destination)
		add_to_record(destination, size, packet->peek.is_syn, preempted);
	else
		add_counter(unlisted(interface, packet->reason), size, preempted);
}

#endif
