import { maxAnnounced, type Summary } from './memory-store.js'
import type { Remembered } from './rows.js'

/** What is new and not acknowledged, as users see it. */
export class Announcements implements Summary {
  #newDestinations = new Map<string, number>()
  #announced: readonly Remembered[] = []
  #unacknowledged = 0

  get newDestinations(): ReadonlyMap<string, number> {
    return this.#newDestinations
  }

  /** The same list until something changes. */
  get announced(): readonly Remembered[] {
    return this.#announced
  }

  get unacknowledged(): number {
    return this.#unacknowledged
  }

  /** @param isNamed false: it is announced when its name is known */
  load(summary: Summary, isNamed: (one: Remembered) => boolean): void {
    this.#newDestinations = new Map(summary.newDestinations)
    this.#announced = summary.announced.filter(isNamed)
    this.#unacknowledged = summary.unacknowledged
  }

  /** Takes over first contacts, as far as they are new. */
  add(firsts: readonly Remembered[], isNamed: (one: Remembered) => boolean): void {
    const fresh = firsts.filter(({ status }) => status === 'new')
    for (const { interface: iface } of fresh) {
      this.#newDestinations.set(iface, (this.#newDestinations.get(iface) ?? 0) + 1)
    }
    this.#unacknowledged += fresh.length
    const room = maxAnnounced - this.#announced.length
    const named = fresh.filter(isNamed)
    if (room > 0 && named.length > 0) this.#announced = [...this.#announced, ...named.slice(0, room)]
  }
}
