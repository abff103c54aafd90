// SPDX-License-Identifier: Apache-2.0
// LD_PRELOAD: what the process asks of syscall(2) comes by intercept() first.
#ifndef EGRESS_INTERCEPTED_SYSCALL_H
#define EGRESS_INTERCEPTED_SYSCALL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Returns the errno that the call fails with; 0: the kernel gets it. */
static int intercept(long number, const long *arguments);

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
	int error = intercept(number, a);

	if (error) {
		errno = error;
		return -1;
	}
	return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

#endif
