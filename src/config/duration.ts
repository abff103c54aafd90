const unitsMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000 } as const

/**
 * Reads a duration as Prometheus writes it: `24h`, `1h30m`, `7d`, `0`.
 *
 * @returns milliseconds
 * @throws Error if it is not of this form
 */
export function parseDuration(text: string): number {
  if (text === '0') return 0
  const { groups } = /^(?:(?<d>\d+)d)?(?:(?<h>\d+)h)?(?:(?<m>\d+)m)?(?:(?<s>\d+)s)?$/.exec(text) ?? {}
  if (!groups || text === '') throw new Error(`'${text}' is not a duration: write 24h, 1h30m, 90s or 7d`)
  const ms = Object.entries(unitsMs).reduce(
    (sum, [unit, unitMs]) => sum + Number(groups[unit] ?? 0) * unitMs,
    0,
  )
  if (ms > 1000 * 365 * unitsMs.d) throw new Error(`'${text}' is longer than a thousand years: write less`)
  return ms
}
