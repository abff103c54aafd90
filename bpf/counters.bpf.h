/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of which each CPU has its own.
 *
 * The stack runs egress with bottom halves off, so no other packet of this CPU
 * comes in between, and a plain addition is safe. Not so on PREEMPT_RT since
 * Linux 6.18: there a task of higher priority may send in the midst of another's
 * packet (CONFIG_PREEMPT_RT_NEEDS_BH_LOCK, kernel 3253cb49cbad).
 */
#ifndef EGRESS_COUNTERS_BPF_H
#define EGRESS_COUNTERS_BPF_H

#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "egress.h"

/* Whether the kernel is built with PREEMPT_RT. Where it is not, the verifier
 * removes what this would cost. */
const volatile bool preempt_rt = false;

/* Between load and store of a plain addition; preempted.test.ts puts work here, which widens it. */
#ifndef EGRESS_WINDOW
#define EGRESS_WINDOW
#endif

/* Adds to a number of this CPU; `preempted`: preempt_rt, read once a packet. Unused results become plain
 * BPF_ADD, which every kernel has. */
static __always_inline void add_own(__u64 *number, __u64 value, bool preempted)
{
	if (preempted) {
		EGRESS_WINDOW;
		__sync_fetch_and_add(number, value);
	} else {
		__u64 before = *number;

		EGRESS_WINDOW;
		*number = before + value;
	}
}

static __always_inline void add_counter(struct egress_counter *counter, const struct egress_counter *size,
					bool preempted)
{
	add_own(&counter->packets, size->packets, preempted);
	add_own(&counter->bytes, size->bytes, preempted);
}

#endif
