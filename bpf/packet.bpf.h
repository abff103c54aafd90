/* SPDX-License-Identifier: GPL-2.0-only */
/* What is known of the packet that is being counted. */
#ifndef EGRESS_PACKET_BPF_H
#define EGRESS_PACKET_BPF_H

#include <stdbool.h>

#include <linux/bpf.h>

#include "egress.h"

/* What can be said of TCP, and of what may hide it, without a walk to the transport header. */
struct tcp_peek {
	bool is_syn; /* SYN without ACK opens a connection, RFC 9293, section 3.5 */
	bool behind_options; /* or extension headers: TCP or not, nobody has looked */
	bool is_gre;
};

/* The transport header, or what is known of it. */
struct transport {
	__u32 offset;
	__u8 protocol; /* after IPv6 extension headers */
	bool present; /* false: a later fragment, cut short, or no such header */
};

struct packet {
	struct egress_key key; /* of what is IP */
	int offset; /* of the network header; -1: the frame ends before it */
	__u16 family; /* AF_INET where it is not known */
	__u16 service; /* the slot of whoever sent it; 0 without --services */
	bool is_ip;
	struct tcp_peek peek;
	struct transport transport; /* zeroed until somebody looks */
	enum egress_unlisted reason; /* why it has no destination, if so */
};

#endif
