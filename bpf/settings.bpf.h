/* SPDX-License-Identifier: GPL-2.0-only */
/* What user space sets before it loads the program, and what it changes later. */
#ifndef EGRESS_SETTINGS_BPF_H
#define EGRESS_SETTINGS_BPF_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

/* Whether packets that answer others' connections make no destination. */
const volatile bool aggregate_replies = false;

/* Whether destinations are told apart by who sends there, too. */
const volatile bool by_service = false;

/* What each packet needs of the settings; in one cache line, which the stack
 * drives out of the nearest cache between two packets. User space changes three
 * of them while the program runs: lookup_cache_shift, since an entry that is not found any
 * more is only missed, and prefix_rules_in_force and senders_generation, which are read once
 * a packet. */
__u64 ipv6_mask_be[2] = {~0ULL, ~0ULL};
__u32 ipv6_prefix_length = 128;
__u32 ipv4_prefix_length = 32;
__be32 ipv4_mask_be = 0xffffffff;
__u32 lookup_cache_shift SEC(".data") =
	0; /* what it leaves of a hash is an index of `lookup_cache`; 0: none is one */
__u32 prefix_rules_in_force SEC(".data") = 0; /* 0 or 1 */
__u32 senders_generation SEC(".data") = 0; /* another: what CPUs remember of senders is old */
__u32 unfilled SEC(".data") = 0; /* ids below it are to be put into `free_ids`, by egress_fill() */

/* To be called first: the line comes while headers are read, and not when all
 * waits for it. */
static __always_inline __u32 load_lookup_cache_shift(void)
{
	return *(volatile __u32 *)&lookup_cache_shift;
}

#endif
