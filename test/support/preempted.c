// SPDX-License-Identifier: GPL-2.0-only
// Sends by a device from four threads of one CPU, of which two come in between the others' packets, and
// counts by the kernel program that it was compiled with: DEVICE ADDRESS true|false, for preempt_rt.
// Prints what was sent, and what the interface and the destination counted, as JSON.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "egress.h"
#include "egress.skel.h"

/* The destination's place among those that count by CPU. */
#define PLACE 1

/* How often those of a priority wake, to send some each time: their packets come in between. The others
 * send until they are done. */
#define ROUNDS 499

struct sender {
	int priority; /* 0: none, and sends all the time */
	int burst;
	long pause_ns;
	long sent;
};

static struct sender senders[] = {{0, 10, 0, 0}, {0, 10, 0, 0}, {50, 3, 3000000, 0}, {60, 2, 5000000, 0}};
static struct sockaddr_in to = {.sin_family = AF_INET};
static atomic_bool done;

static void require(int holds, const char *what)
{
	if (holds)
		return;
	perror(what);
	exit(1);
}

static long send_some(int socket, int count)
{
	long sent = 0;

	while (count-- > 0)
		sent += sendto(socket, "seven", 7, 0, (struct sockaddr *)&to, sizeof(to)) == 7;
	return sent;
}

static void *run(void *argument)
{
	struct sender *own = argument;
	struct sched_param parameters = {own->priority};
	struct timespec pause = {0, own->pause_ns};
	int sender = socket(AF_INET, SOCK_DGRAM, 0);
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	require(pthread_setaffinity_np(pthread_self(), sizeof(first), &first) == 0, "pin to CPU 0");
	if (own->priority)
		require(pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters) == 0, "SCHED_FIFO");
	for (int round = 0; own->priority ? round < ROUNDS : !done; round++) {
		own->sent += send_some(sender, own->burst);
		if (own->pause_ns)
			nanosleep(&pause, NULL);
	}
	close(sender);
	return NULL;
}

/* Sends the first packet, and lets what follows count by CPU. */
static long begin(struct egress_bpf *skeleton)
{
	int first = socket(AF_INET, SOCK_DGRAM, 0), map = bpf_map__fd(skeleton->maps.destinations);
	struct egress_destination record;
	__u32 id = 0;
	long sent = send_some(first, 1);

	close(first);
	require(bpf_map_lookup_elem(map, &id, &record) == 0, "read the record");
	record.cpu_slot = PLACE;
	require(bpf_map_update_elem(map, &id, &record, BPF_ANY) == 0, "write the record");
	return sent;
}

static void report(struct egress_bpf *skeleton, long sent)
{
	const int cpus = libbpf_num_possible_cpus();
	struct egress_interface *interface = calloc(cpus, sizeof(*interface));
	struct egress_counts *counts = calloc(cpus, sizeof(*counts));
	struct egress_counter total = {0}, listed;
	struct egress_destination record;
	__u32 slot = 0, place = PLACE, id = 0;

	require(!bpf_map_lookup_elem(bpf_map__fd(skeleton->maps.interfaces), &slot, interface), "read total");
	require(!bpf_map_lookup_elem(bpf_map__fd(skeleton->maps.cpu_counts), &place, counts), "read counts");
	require(!bpf_map_lookup_elem(bpf_map__fd(skeleton->maps.destinations), &id, &record), "read record");
	listed = (struct egress_counter){record.packets, record.bytes};
	for (int cpu = 0; cpu < cpus; cpu++) {
		total.packets += interface[cpu].total.packets;
		total.bytes += interface[cpu].total.bytes;
		listed.packets += counts[cpu].packets;
		listed.bytes += counts[cpu].bytes;
	}
	printf("{\"sent\":%ld,\"total\":{\"packets\":%llu,\"bytes\":%llu},", sent, total.packets,
	       total.bytes);
	printf("\"listed\":{\"packets\":%llu,\"bytes\":%llu}}\n", listed.packets, listed.bytes);
}

int main(int count, char **arguments)
{
	struct egress_bpf *skeleton = egress_bpf__open();
	pthread_t threads[sizeof(senders) / sizeof(senders[0])];
	struct egress_slot slot = {0};
	__u32 id = 0, ifindex;
	long sent;

	require(count == 4 && skeleton, "open the program");
	ifindex = if_nametoindex(arguments[1]);
	to.sin_port = htons(9);
	require(inet_pton(AF_INET, arguments[2], &to.sin_addr) == 1, "address");
	skeleton->rodata->preempt_rt = strcmp(arguments[3], "true") == 0;
	bpf_program__set_autoload(skeleton->progs.egress_ip, false);
	bpf_program__set_autoload(skeleton->progs.egress_ip_old, false);
	bpf_program__set_autoload(skeleton->progs.egress_eth_old, false);
	require(egress_bpf__load(skeleton) == 0, "load the program");
	require(!bpf_map_update_elem(bpf_map__fd(skeleton->maps.free_ids), NULL, &id, BPF_ANY), "free id");
	require(!bpf_map_update_elem(bpf_map__fd(skeleton->maps.interface_slots), &ifindex, &slot, BPF_ANY),
		"slot");

	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .prog_fd = bpf_program__fd(skeleton->progs.egress_ethernet));
	require(bpf_tc_hook_create(&hook) == 0 && bpf_tc_attach(&hook, &filter) == 0, "attach");

	sent = begin(skeleton);
	for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++)
		require(pthread_create(&threads[i], NULL, run, &senders[i]) == 0, "thread");
	/* Those of a priority end of their own accord. */
	for (int i = 2; i < 4; i++)
		pthread_join(threads[i], NULL);
	done = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 4; i++)
		sent += senders[i].sent;
	report(skeleton, sent);
	egress_bpf__destroy(skeleton);
	return 0;
}
