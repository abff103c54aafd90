/* SPDX-License-Identifier: Apache-2.0
 *
 * SQLite calls these; glibc 2.29 has versions of them that no longer set errno, which nobody reads here. The
 * older ones run everywhere.
 */
#if defined(__x86_64__)
#define EGRESS_OLD "GLIBC_2.2.5"
#elif defined(__aarch64__)
#define EGRESS_OLD "GLIBC_2.17"
#endif
__asm__(".symver exp, exp@" EGRESS_OLD);
__asm__(".symver log, log@" EGRESS_OLD);
__asm__(".symver log2, log2@" EGRESS_OLD);
__asm__(".symver pow, pow@" EGRESS_OLD);
