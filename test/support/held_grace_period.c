// SPDX-License-Identifier: Apache-2.0
// LD_PRELOAD: while the file $HOLD exists, membarrier() does not return; it says so by $HOLD.held.
#include "intercepted_syscall.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

static int intercept(long number, const long *arguments)
{
	const char *hold = getenv("HOLD");
	char held[4096];

	(void)arguments;
	if (number != SYS_membarrier || !hold || access(hold, F_OK) != 0)
		return 0;
	snprintf(held, sizeof(held), "%s.held", hold);
	close(open(held, O_CREAT | O_WRONLY, 0600));
	while (access(hold, F_OK) == 0)
		usleep(1000);
	return 0;
}
