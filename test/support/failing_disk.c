// SPDX-License-Identifier: Apache-2.0
// LD_PRELOAD: while the file $DISK_FAILS exists, what SQLite writes fails with EIO, as on a disk that dies.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int fails(void)
{
	const char *file = getenv("DISK_FAILS");
	int saved = errno;
	int exists = file && access(file, F_OK) == 0;
	errno = exists ? EIO : saved;
	return exists;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset)
{
	static ssize_t (*real)(int, const void *, size_t, off64_t);
	if (!real)
		real = dlsym(RTLD_NEXT, "pwrite64");
	return fails() ? -1 : real(fd, bytes, count, offset);
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
	return pwrite64(fd, bytes, count, offset);
}
