const unitsMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 } as const

/**
 * Reads a duration as Prometheus writes it: `24h`, `1h30m`, `7d`, `0`.
 *
 * @returns milliseconds
 * @throws Error if it is not of this form
 */
export function parseDuration(text: string): number {
  const match = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text)
  if (text === '0') return 0
  if (!match || text === '') throw new Error(`'${text}' is not a duration: write 24h, 1h30m, 90s or 7d`)
  const [, days, hours, minutes, seconds] = match.map((part) => Number(part ?? 0))
  const ms =
    (days ?? 0) * unitsMs.d +
    (hours ?? 0) * unitsMs.h +
    (minutes ?? 0) * unitsMs.m +
    (seconds ?? 0) * unitsMs.s
  if (ms > 1000 * 365 * unitsMs.d) throw new Error(`'${text}' is longer than a thousand years: write less`)
  return ms
}
