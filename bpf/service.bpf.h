/* SPDX-License-Identifier: GPL-2.0-only */
/* The slot of the service that sent a packet. User space names services, and lets those of one name have one
 * slot: egress_fold() gives it their records. */
#ifndef EGRESS_SERVICE_BPF_H
#define EGRESS_SERVICE_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "counters.bpf.h"
#include "egress.h"
#include "maps.bpf.h"
#include "settings.bpf.h"

/* The slot of a sender, which gets a free one where it has none. Apart from find_service(), which it would
 * cost registers. */
static __noinline __u32 find_service_slot(__u64 sender)
{
	__u32 *found = bpf_map_lookup_elem(&service_slots, &sender), slot;
	__u64 *owner;

	if (found)
		return *found;
	if (bpf_map_pop_elem(&free_services, &slot))
		return EGRESS_SERVICE_OTHER;
	owner = bpf_map_lookup_elem(&service_senders, &slot);
	if (!owner)
		return EGRESS_SERVICE_OTHER;
	/* Safe: no other CPU has this slot. First, so that no packet counts in a slot that user space takes
	 * for free. */
	*owner = sender;
	if (!bpf_map_update_elem(&service_slots, &sender, &slot, BPF_NOEXIST))
		return slot;
	/* Another CPU was first (EEXIST), or there is no room (E2BIG). */
	*owner = 0;
	bpf_map_push_elem(&free_services, &slot, BPF_ANY);
	found = bpf_map_lookup_elem(&service_slots, &sender);
	return found ? *found : EGRESS_SERVICE_OTHER;
}

/* The same by what this CPU remembers, and remembers it as the last. */
static __noinline __u32 find_recent_service(__u64 sender, __u32 generation)
{
	/* Fibonacci hashing, as in hash_key(). */
	__u32 index = 1 + (__u32)(sender * 0x9e3779b97f4a7c15 / (~0ULL / EGRESS_SENDERS_RECENTLY + 1));
	struct egress_recent_sender *recent = bpf_map_lookup_elem(&senders_recently, &index), *last;
	struct egress_recent_sender found = {sender, generation, 0};
	const __u32 first = 0;

	if (recent && recent->sender == sender && recent->generation == generation) {
		found.slot = recent->slot;
	} else {
		found.slot = find_service_slot(sender);
		if (recent)
			*recent = found; /* safe: this CPU's own */
	}
	last = bpf_map_lookup_elem(&senders_recently, &first);
	if (last)
		*last = found;
	return found.slot;
}

static __always_inline __u32 find_service(struct __sk_buff *skb)
{
	const __u32 first = 0;
	__u64 sender = bpf_skb_cgroup_id(skb);
	struct egress_recent_sender *last;
	__u32 generation;

	if (!sender) {
		if (!skb->ingress_ifindex)
			return EGRESS_SERVICE_KERNEL;
		sender = EGRESS_SENDER_INGRESS | skb->ingress_ifindex;
	}
	/* Torn memories must not be compared: counters.bpf.h. */
	if (preempt_rt)
		return find_service_slot(sender);
	last = bpf_map_lookup_elem(&senders_recently, &first);
	if (!last)
		return EGRESS_SERVICE_OTHER;
	/* Before any look into the map: what changes later is looked up again. */
	generation = *(volatile __u32 *)&senders_generation;
	/* Where it lies does not depend on the sender: the processor goes on with it while it compares. */
	if (last->sender == sender && last->generation == generation)
		return last->slot;
	return find_recent_service(sender, generation);
}

/* Lets a record count for another service. Its sender has the other's slot already, and no program counts on
 * the record any more. All in one run, which no signal ends. */
static __always_inline int fold(const struct egress_fold *wanted)
{
	struct egress_destination *record, *other;
	__u32 id = wanted->id, other_id, *found;
	struct egress_key old, new;

	record = bpf_map_lookup_elem(&destinations, &id);
	if (!record || record->state != EGRESS_LISTED || record->key.service != wanted->from ||
	    record->cpu_slot)
		return EGRESS_FOLD_REFUSED;
	old = record->key;
	new = old;
	new.service = wanted->to;
	if (!bpf_map_update_elem(&destination_ids, &new, &id, BPF_NOEXIST)) {
		record->key.service = wanted->to;
		bpf_map_delete_elem(&destination_ids, &old);
		return EGRESS_FOLD_MOVED;
	}
	found = bpf_map_lookup_elem(&destination_ids, &new);
	if (!found)
		return EGRESS_FOLD_REFUSED;
	other_id = *found;
	other = bpf_map_lookup_elem(&destinations, &other_id);
	if (!other || other_id == wanted->id)
		return EGRESS_FOLD_REFUSED;
	/* Atomic: CPUs share the record. */
	__sync_fetch_and_add(&other->packets, record->packets);
	__sync_fetch_and_add(&other->bytes, record->bytes);
	__sync_fetch_and_add(&other->tcp_connects, record->tcp_connects);
	bpf_map_delete_elem(&destination_ids, &old);
	record->packets = 0;
	record->bytes = 0;
	record->tcp_connects = 0;
	record->state = EGRESS_RETURNED;
	bpf_map_push_elem(&free_ids, &id, BPF_ANY);
	return EGRESS_FOLD_MERGED;
}

#endif
