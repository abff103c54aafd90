/* SPDX-License-Identifier: GPL-2.0-only */
/* The key of a destination: interface, family, prefix length, service, address. */
#ifndef EGRESS_KEY_BPF_H
#define EGRESS_KEY_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "egress.h"

/* include/linux/socket.h, the values that user space calls AF_INET and AF_INET6 */
#define AF_INET 2
#define AF_INET6 10

/* What has these two in memory, in this order, each so many bits long. */
static __always_inline __u64 concat_bits(__u64 first, __u64 second, const int bits)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return first | second << bits;
#else
	return first << bits | second;
#endif
}

/* Stores a key by the words that same_key() loads: a load that spans several
 * stores waits until they have left the processor's store buffer. */
static __always_inline void make_key(struct egress_key *key, __u32 ifindex, __u8 family, __u8 prefix_length,
				     __u16 service, __u64 first, __u64 last)
{
	__u64 *words = (__u64 *)key;

	words[0] = concat_bits(ifindex, concat_bits(concat_bits(family, prefix_length, 8), service, 16), 32);
	words[1] = first;
	words[2] = last;
}

/* The same destination, whoever sends there. */
static __always_inline struct egress_key of_any_service(const struct egress_key *key)
{
	struct egress_key any = *key;

	any.service = 0;
	return any;
}

static __always_inline bool same_key(const struct egress_key *a, const struct egress_key *b)
{
	const __u64 *x = (const __u64 *)a, *y = (const __u64 *)b;

	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]));
}

/* Spreads keys evenly over 31 bits, the highest best, and one that is set: no hash
 * is 0. Fibonacci hashing (Knuth, The Art of Computer Programming, volume 3,
 * section 6.4). */
static __always_inline __u32 hash_key(const struct egress_key *key)
{
	const __u64 *words = (const __u64 *)key;
	const __u64 golden = 0x9e3779b97f4a7c15; /* 2^64 over the golden ratio */

	return (((words[0] ^ words[1]) * golden ^ words[2]) * golden) >> 32 | 1;
}

#endif
