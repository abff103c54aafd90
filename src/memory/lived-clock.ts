import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'

/** One moment, by every clock; in ms. */
export interface Instant {
  /** Since the Unix epoch, as far as somebody set the clock. */
  readonly wallMs: number
  /** Of the boot, sleep included: what the wall clock should have gone on by. */
  readonly uptimeMs: number
  /** Of the boot, without sleep (CLOCK_MONOTONIC). */
  readonly monotonicMs: number
  /** Tells boots apart; empty where the host hides it. */
  readonly bootId: string
}

/** A span of lived time whose wall-clock times are off, and what must be added to them. */
export interface WrongTimes {
  readonly fromLivedMs: number
  readonly toLivedMs: number
  readonly addMs: number
}

/** What a later run goes on from. */
export interface SavedClock extends Instant {
  readonly livedMs: number
  readonly spans: readonly Span[]
}

/** From here on, up to the next one, this must be added to wall-clock times. */
interface Span {
  readonly fromLivedMs: number
  readonly addMs: number
}

/** Less is a clock that is steered, not one that is set. */
const minStepMs = 2_000
/** Clocks that jump come back as a rule: what they did is mended when they have held for so long. */
const settledAfterMs = 60_000

const bootId = readBootId()

export const readInstant = (): Instant => ({
  wallMs: Date.now(),
  uptimeMs: uptime() * 1_000,
  monotonicMs: Number(process.hrtime.bigint() / 1_000_000n),
  bootId,
})

/** How long a clock has lived by now: what it had lived, and what the host was up since. */
export function livedAt(saved: SavedClock | undefined, now: Instant): number {
  if (!saved) return 0
  const sameBoot = saved.bootId === now.bootId && now.monotonicMs >= saved.monotonicMs
  return saved.livedMs + now.monotonicMs - (sameBoot ? saved.monotonicMs : 0)
}

/**
 * Time that was lived: it goes on while this host is up and awake, and no other time counts. Whoever sets
 * the wall clock, or has none, changes nothing about it. Beside it, how the wall clock was set.
 */
export class LivedClock {
  #livedMs: number
  #last: Instant
  #steppedAtMs: number
  #spans: readonly Span[]

  constructor(saved: SavedClock | undefined, now: Instant) {
    this.#livedMs = livedAt(saved, now)
    // A later boot tells nothing of how long the host was down.
    const sameBoot = saved?.bootId === now.bootId && now.uptimeMs >= saved.uptimeMs
    this.#last = saved && sameBoot ? { ...saved, monotonicMs: now.monotonicMs } : now
    this.#steppedAtMs = now.monotonicMs
    this.#spans = saved?.spans ?? []
    if (!sameBoot) this.#spans = [...this.#spans, { fromLivedMs: this.#livedMs - now.monotonicMs, addMs: 0 }]
  }

  /** Time lived at an instant. */
  at(now: Instant): number {
    return this.#livedMs + now.monotonicMs - this.#last.monotonicMs
  }

  /**
   * Looks how the wall clock went on since the last look.
   *
   * @returns by how many ms somebody set it; 0: nobody did
   */
  look(now: Instant): number {
    const stepMs = now.wallMs - this.#last.wallMs - (now.uptimeMs - this.#last.uptimeMs)
    this.#livedMs = this.at(now)
    this.#last = now
    if (Math.abs(stepMs) < minStepMs) return 0
    this.#steppedAtMs = now.monotonicMs
    // What was written down before is off by the step; what comes is not.
    this.#spans = [
      ...this.#spans.map(({ fromLivedMs, addMs }) => ({ fromLivedMs, addMs: addMs + stepMs })),
      { fromLivedMs: this.#livedMs, addMs: 0 },
    ]
    return stepMs
  }

  /** What to mend, once the clock has held for a while; each is told of once. */
  takeWrongTimes(): WrongTimes[] {
    if (this.#last.monotonicMs - this.#steppedAtMs < settledAfterMs) return []
    const spans = this.#spans
    const wrong = spans.flatMap(({ fromLivedMs, addMs }, index) => {
      const toLivedMs = spans[index + 1]?.fromLivedMs ?? Infinity
      return Math.abs(addMs) < minStepMs ? [] : [{ fromLivedMs, toLivedMs, addMs }]
    })
    // Of earlier boots nothing more can be learned.
    this.#spans = [{ fromLivedMs: this.#livedMs - this.#last.monotonicMs, addMs: 0 }]
    return wrong
  }

  get saved(): SavedClock {
    return { ...this.#last, livedMs: this.#livedMs, spans: this.#spans }
  }
}

function readBootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8)
  } catch {
    return '' // hidden, as systemd's ProcSubset=pid does
  }
}
