// SPDX-License-Identifier: GPL-2.0-only
/* Programs that somebody else might run at TC egress. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Drops every IPv4 packet. */
SEC("drop")
int foreign_drop(struct __sk_buff *skb)
{
	return skb->protocol == bpf_htons(ETH_P_IP) ? TC_ACT_SHOT : TC_ACT_OK;
}

/* Drops what goes to 203.0.113.9, and leaves all else to the next program. */
SEC("deny")
int foreign_deny(struct __sk_buff *skb)
{
	__be32 to = 0;

	bpf_skb_load_bytes(skb, ETH_HLEN + 16, &to, sizeof(to));
	return to == bpf_htonl(0xcb007109) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

/* Tags with VLAN 7 in the metadata and sends by the device TARGET_IFINDEX. */
SEC("tag")
int foreign_tag(struct __sk_buff *skb)
{
	if (bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), 7))
		return TC_ACT_SHOT;
	return bpf_redirect(TARGET_IFINDEX, 0);
}

/* Cuts long IPv4 packets short. */
SEC("trim")
int foreign_trim(struct __sk_buff *skb)
{
	if (skb->protocol == bpf_htons(ETH_P_IP) && skb->len > 100)
		bpf_skb_change_tail(skb, 100, 0);
	return TC_ACT_UNSPEC;
}

/* Makes room for 20 bytes before the network header of IPv4, which it repeats there. */
SEC("grow")
int foreign_grow(struct __sk_buff *skb)
{
	char header[20];

	if (skb->protocol != bpf_htons(ETH_P_IP) ||
	    bpf_skb_load_bytes(skb, ETH_HLEN, header, sizeof(header)) ||
	    bpf_skb_adjust_room(skb, sizeof(header), BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4))
		return TC_ACT_UNSPEC;
	bpf_skb_store_bytes(skb, ETH_HLEN, header, sizeof(header), 0);
	return TC_ACT_UNSPEC;
}

/* Puts outer headers before the packet as a GRE device without a remote does: to 192.0.2.2, with a key. */
SEC("gre")
int foreign_gre(struct __sk_buff *skb)
{
	char outer[28] = {0x45, [9] = 47, [12] = 192, 0, 2, 1, 192, 0, 2, 2, 0x20};

	if (bpf_skb_change_head(skb, sizeof(outer), 0) == 0)
		bpf_skb_store_bytes(skb, 0, outer, sizeof(outer), 0);
	return TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "GPL";
