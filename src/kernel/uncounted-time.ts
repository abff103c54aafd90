/** How long what is known of an interface that is gone stays. */
const departedVisibleMs = 5 * 60_000

interface Gaps {
  /** Of gaps that have ended. */
  readonly ms: number
  /** When the one began that goes on. */
  readonly since?: number
  /** When the interface went. */
  readonly departedAt?: number
}

/**
 * For how long each interface was there and not counted. Whoever removes the program leaves no note of
 * when, so a gap begins at the last look that found it attached: what is told is the most that it was.
 * Times are those of performance.now().
 */
export class UncountedTime {
  readonly #gaps = new Map<string, Gaps>()

  /** The program is not attached to it, and was last seen to be at `since`. */
  begin(name: string, since: number): void {
    const { ms, since: begun } = this.#gaps.get(name) ?? { ms: 0 }
    this.#gaps.set(name, { ms, since: begun ?? since })
  }

  /** The program is attached to it, from now on. */
  end(name: string, now: number): void {
    this.#gaps.set(name, { ms: this.#of(name, now) })
  }

  /** It is gone: nothing leaves there. */
  depart(name: string, now: number): void {
    this.#gaps.set(name, { ms: this.#of(name, now), departedAt: now })
  }

  /** By name; those that departed for as long as their last counts are shown. */
  seconds(now: number): ReadonlyMap<string, number> {
    for (const [name, { departedAt = now }] of this.#gaps) {
      if (now - departedAt > departedVisibleMs) this.#gaps.delete(name)
    }
    return new Map([...this.#gaps.keys()].map((name) => [name, this.#of(name, now) / 1000]))
  }

  #of(name: string, now: number): number {
    const { ms, since } = this.#gaps.get(name) ?? { ms: 0 }
    return since === undefined ? ms : ms + Math.max(0, now - since)
  }
}
