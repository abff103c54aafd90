/* SPDX-License-Identifier: GPL-2.0-only */
/* The record of a key, by the lookup cache or by the index. */
#ifndef EGRESS_LOOKUP_BPF_H
#define EGRESS_LOOKUP_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "egress.h"
#include "key.bpf.h"
#include "maps.bpf.h"
#include "settings.bpf.h"

/* A taken entry gives way this rarely: else more destinations than there are
 * entries would drive each other out (bimodal insertion: Qureshi and others,
 * Adaptive Insertion Policies for High Performance Caching, 2007), and many CPUs
 * would write to the same cache lines. */
#define INSERT_RARITY 8

/* By the index, and caches it. Apart from find_cached(), which it would cost
 * registers. */
static __noinline struct egress_destination *find_indexed(const struct egress_key *key, __u32 hash)
{
	__u32 *id = bpf_map_lookup_elem(&destination_ids, key);
	__u32 index = hash >> lookup_cache_shift;
	struct lookup_cache_set *set;

	if (!id)
		return NULL;
	set = bpf_map_lookup_elem(&lookup_cache, &index);
	/* Zeroed: there is room. */
	if (set && (!set->older.hash || bpf_get_prandom_u32() % INSERT_RARITY == 0)) {
		/* Safe: whatever another CPU writes, the record itself tells. */
		set->older = set->recent;
		set->recent = (struct lookup_cache_entry){.hash = hash, .id = *id};
	}
	return bpf_map_lookup_elem(&destinations, id);
}

static __always_inline struct egress_destination *find_cached(const struct egress_key *key, __u32 hash,
							      __u32 shift)
{
	__u32 index = hash >> shift;
	struct lookup_cache_set *set = bpf_map_lookup_elem(&lookup_cache, &index);
	struct egress_destination *destination;

	if (set) {
		/* Copied, and not pointed to: without CAP_PERFMON the verifier takes no
		 * pointer that is chosen between two. */
		__u32 cached_hash = set->recent.hash, id = set->recent.id;

		if (cached_hash != hash) {
			cached_hash = set->older.hash;
			id = set->older.id;
		}
		if (cached_hash == hash) {
			destination = bpf_map_lookup_elem(&destinations, &id);
			/* Listed: not while it is filled in, or taken out of the table. */
			if (destination && destination->state == EGRESS_LISTED &&
			    same_key(&destination->key, key))
				return destination;
		}
	}
	return find_indexed(key, hash);
}

#endif
