// SPDX-License-Identifier: Apache-2.0
// LD_PRELOAD: while the file $FAILING exists, the kernel has no memory for the 1,001st element in a
// row that is written to one map, as for the 1,001st prefix of a list; or, if the file is not empty,
// for what is pushed on a stack, as for the number of a record that is taken out of the table.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fails(const union bpf_attr *update)
{
	static __u32 map, row;
	const char *path = getenv("FAILING");
	struct stat file;

	row = update->map_fd == map ? row + 1 : 0;
	map = update->map_fd;
	if (!path || stat(path, &file))
		return 0;
	return file.st_size ? !update->key : row >= 1000;
}

long syscall(long number, ...)
{
	static long (*real)(long, ...);
	va_list list;
	long a[6];

	va_start(list, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (!real)
		real = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
	if (number == SYS_bpf && a[0] == BPF_MAP_UPDATE_ELEM && fails((const union bpf_attr *)a[1])) {
		errno = ENOMEM;
		return -1;
	}
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
