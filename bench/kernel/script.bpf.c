// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the script does from which this project comes, as BCC compiles it: loads of the classic BPF
 * kind (LD_ABS), a hash by 32-bit address, a plain addition. It counts buffers, not packets; IPv4
 * alone; and loses what two processors add at the same time.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

/* How BCC reads packet->field: LLVM's intrinsics for BPF_LD | BPF_ABS. */
unsigned long long load_half(void *skb, unsigned long long offset) asm("llvm.bpf.load.half");
unsigned long long load_word(void *skb, unsigned long long offset) asm("llvm.bpf.load.word");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 131072); /* its own 10,240 would not hold what is sent here */
	__type(key, __u32);
	__type(value, __u64);
} counts SEC(".maps");

SEC("tc")
int script(struct __sk_buff *skb)
{
	__u32 destination;
	__u64 zero = 0, *count;

	if (load_half(skb, 12) != ETH_P_IP)
		return TC_ACT_OK;
	destination = load_word(skb, ETH_HLEN + 16);
	if (destination >> 16 == 0xc0a8) /* 192.168.0.0/16 */
		return TC_ACT_OK;
	count = bpf_map_lookup_elem(&counts, &destination);
	if (!count) {
		bpf_map_update_elem(&counts, &destination, &zero, BPF_NOEXIST);
		count = bpf_map_lookup_elem(&counts, &destination);
	}
	if (count)
		*count += 1;
	return TC_ACT_OK;
}

char LICENSE[] SEC("license") = "GPL";
