import { type Static, Type } from 'typebox'
import { usageError } from '../../errors.js'
import type { YamlFile } from '../yaml-file.js'

/** One request each interval, and so many at once after a pause. */
export interface RateLimit {
  readonly intervalMs: number
  readonly burst: number
}

export const rateLimitSchema = Type.Object(
  {
    interval: Type.Optional(Type.Unsafe<string | number>({ type: ['string', 'integer'], minimum: 0 })),
    burst: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  { additionalProperties: false },
)

/** As Go's time.ParseDuration. */
const goUnitsMs: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
}

/**
 * Reads a rate limit; undefined: none.
 *
 * @throws UserError for what is no duration, or lets nobody in
 */
export function readRateLimit(
  { interval = '0', burst = 0 }: Static<typeof rateLimitSchema>,
  file: Pick<YamlFile, 'keyAt' | 'valueAt'>,
): RateLimit | undefined {
  const text = typeof interval === 'number' ? `${interval}ns` : interval
  const parts = [...text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)]
  const whole = parts.map(([part]) => part).join('')
  if (text !== '0' && (whole !== text || text === '')) {
    throw usageError(
      `${file.valueAt(['rate_limit', 'interval'])}: rate_limit: '${text}' is not a duration: write 1s, 100ms or 1m`,
    )
  }
  const intervalMs = parts.reduce(
    (sum, [, number, unit = '']) => sum + Number(number) * (goUnitsMs[unit] ?? 0),
    0,
  )
  if (intervalMs === 0) return undefined
  if (burst === 0) {
    throw usageError(
      `${file.keyAt(['rate_limit'])}: rate_limit: with a burst of 0 no request would ever be answered: write 1 or more`,
    )
  }
  return { intervalMs, burst }
}
