// SPDX-License-Identifier: Apache-2.0
// LD_PRELOAD: the wall clock is off by the milliseconds that the file $WALL_CLOCK holds, as a 64-bit integer;
// CLOCK_MONOTONIC and CLOCK_BOOTTIME are left alone, as by somebody who sets the clock.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static const volatile int64_t *shift_ms;

__attribute__((constructor)) static void open_shift(void)
{
	int fd = open(getenv("WALL_CLOCK"), O_RDONLY | O_CLOEXEC);
	shift_ms = mmap(NULL, sizeof(*shift_ms), PROT_READ, MAP_SHARED, fd, 0);
	if (shift_ms == MAP_FAILED)
		abort();
}

int clock_gettime(clockid_t id, struct timespec *now)
{
	static int (*real)(clockid_t, struct timespec *);
	if (!real)
		real = dlsym(RTLD_NEXT, "clock_gettime");
	int result = real(id, now);
	if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) && shift_ms)
		now->tv_sec += *shift_ms / 1000; // tests shift by whole seconds
	return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec exact;
	(void)zone;
	clock_gettime(CLOCK_REALTIME, &exact);
	*now = (struct timeval){exact.tv_sec, exact.tv_nsec / 1000};
	return 0;
}

time_t time(time_t *where)
{
	struct timespec exact;
	clock_gettime(CLOCK_REALTIME, &exact);
	if (where)
		*where = exact.tv_sec;
	return exact.tv_sec;
}
