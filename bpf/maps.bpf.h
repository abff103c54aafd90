/* SPDX-License-Identifier: GPL-2.0-only */
/* All maps. Those that are pinned keep their names and layouts with EGRESS_PINS_VERSION. */
#ifndef EGRESS_MAPS_BPF_H
#define EGRESS_MAPS_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "egress.h"

/* Sized by user space before load: --destinations.limit. */
#define SIZED_AT_LOAD 1

/* Counters and first packet by id. User space reads it through mmap. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SIZED_AT_LOAD);
	__type(key, __u32);
	__type(value, struct egress_destination);
} destinations SEC(".maps");

/* Who sent the first packet of each record, by id: a record has no room for it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SIZED_AT_LOAD);
	__type(key, __u32);
	__type(value, struct egress_sender);
} first_senders SEC(".maps");

/* Which record of `destinations` a key has. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SIZED_AT_LOAD);
	__type(key, struct egress_key);
	__type(value, __u32);
} destination_ids SEC(".maps");

/* The lookup cache: where keys' records were found, by a hash that costs two multiplications: it
 * saves the look into `destination_ids`, which costs more time and more cache
 * misses. Right or wrong, the record itself tells. Only another key of the same
 * hash leads to a wrong one. */
struct lookup_cache_entry {
	__u32 hash;
	__u32 id;
};

struct lookup_cache_set {
	struct lookup_cache_entry recent, older;
};

/* How many of them are in use follows the number of destinations: lookup_cache_shift. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SIZED_AT_LOAD);
	__type(key, __u32);
	__type(value, struct lookup_cache_set);
} lookup_cache SEC(".maps");

/* Records that no key has. */
struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, SIZED_AT_LOAD);
	__type(value, __u32);
} free_ids SEC(".maps");

/* How many records were taken for the first time, by each CPU; together they are
 * the first: user space need look at no more. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} ids_taken SEC(".maps");

/* Which slot a sender has: its own, or, once user space knows its name, that of the first sender of this
 * name. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SIZED_AT_LOAD);
	__type(key, __u64);
	__type(value, __u32);
} service_slots SEC(".maps");

/* The sender that a slot was given to, by slot; 0: it is free. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SIZED_AT_LOAD);
	__type(key, __u32);
	__type(value, __u64);
} service_senders SEC(".maps");

/* Slots that no sender has. */
struct {
	__uint(type, BPF_MAP_TYPE_STACK);
	__uint(max_entries, SIZED_AT_LOAD);
	__type(value, __u32);
} free_services SEC(".maps");

/* User space's own, by slot. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SIZED_AT_LOAD);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct egress_service_name);
} service_names SEC(".maps");

/* The slot of who sent last, and behind it those of others by a hash of the sender. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1 + EGRESS_SENDERS_RECENTLY);
	__type(key, __u32);
	__type(value, struct egress_recent_sender);
} senders_recently SEC(".maps");

/* Where in `interfaces` an ifindex counts; user space writes it before it
 * attaches the program there. Twice the entries: user space moves one by
 * writing the new before it deletes the old. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * EGRESS_INTERFACES_MAX);
	__type(key, __u32);
	__type(value, struct egress_slot);
} interface_slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EGRESS_INTERFACES_MAX);
	__type(key, __u32);
	__type(value, struct egress_interface);
} interfaces SEC(".maps");

/* What busy destinations count, each CPU for itself: else all of them would
 * write to one cache line. User space gives them their places. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, EGRESS_CPU_COUNTS_MAX);
	__type(key, __u32);
	__type(value, struct egress_counts);
} cpu_counts SEC(".maps");

/* User space's own, by id, by slot, and alone; here so that they can outlive
 * user space. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SIZED_AT_LOAD);
	__type(key, __u32);
	__type(value, struct egress_user_state);
} user_state SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, EGRESS_INTERFACES_MAX);
	__type(key, __u32);
	__type(value, struct egress_retired_counts);
} retired_counts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct egress_retire_journal);
} retire_journal SEC(".maps");

/* Which prefixes get no record, and which do (enum egress_action). Asked when a
 * destination has none. Two sets: user space writes the one that is not in force,
 * and lets it take the other's place in one step. */
struct prefix_rules {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, EGRESS_PREFIX_RULES_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct egress_prefix);
	__type(value, __u32);
};
struct prefix_rules prefix_rules_0 SEC(".maps");
struct prefix_rules prefix_rules_1 SEC(".maps");

/* Bits of source ports: those of calls. Asked where replies are aggregated. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * EGRESS_CLIENT_PORTS_WORDS);
	__type(key, __u32);
	__type(value, __u64);
} client_ports SEC(".maps");

/* By either set of prefix rules, one after the other. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2 * EGRESS_EXCLUDED_RECENTLY);
	__type(key, __u32);
	__type(value, struct egress_key);
} excluded_recently SEC(".maps");

#endif
