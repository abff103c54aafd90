// SPDX-License-Identifier: Apache-2.0
// LD_PRELOAD: while the file $FAILING exists, the kernel has no memory for the 1,001st element in a
// row that is written to one map, as for the 1,001st prefix of a list; or, if the file is not empty,
// for what is pushed on a stack, as for the number of a record that is taken out of the table.
#include "intercepted_syscall.h"

#include <linux/bpf.h>
#include <stdlib.h>
#include <sys/stat.h>

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

static int intercept(long number, const long *arguments)
{
	if (number != SYS_bpf || arguments[0] != BPF_MAP_UPDATE_ELEM)
		return 0;
	return fails((const union bpf_attr *)arguments[1]) ? ENOMEM : 0;
}
