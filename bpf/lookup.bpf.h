/* SPDX-License-Identifier: GPL-2.0-only */
/* The record of a key, by a hint or by the index. */
#ifndef EGRESS_LOOKUP_BPF_H
#define EGRESS_LOOKUP_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "egress.h"
#include "key.bpf.h"
#include "maps.bpf.h"
#include "settings.bpf.h"

/* A taken hint gives way this rarely: else more destinations than there are
 * hints would drive each other out (bimodal insertion: Qureshi and others,
 * Adaptive Insertion Policies for High Performance Caching, 2007), and many CPUs
 * would write to the same cache lines. */
#define HINT_RARITY 8

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

#endif
