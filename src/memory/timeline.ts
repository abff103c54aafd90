import type { NewBy } from '../config/options.js'
import type { Contact } from '../kernel/contacts.js'
import { type Instant, LivedClock, livedAt, type WrongTimes } from './lived-clock.js'
import { facts } from './memory-store.js'
import type { PlacedContact } from './rows.js'
import type { Store } from './store.js'

/** Time lived is written down this often; a kill loses none of it, a power cut no more. */
const saveEveryMs = 60_000

/** How a store's contacts lie in the time that was lived, and where its baseline ends. */
export class Timeline {
  readonly #clock: LivedClock
  readonly #baselineEndMs: number
  readonly #servicesBaselineEndMs: number
  #savedAtMs = -Infinity

  /**
   * Gives a store what each must have: a clock, and where its baselines end. What is new for a service is
   * learned from when that is first asked for.
   */
  static begin(store: Store, baselineMs: number, newBy: NewBy, now: Instant): void {
    const clock = store.clock() ?? new LivedClock(undefined, now).saved
    store.saveClock(clock)
    const livedMs = livedAt(clock, now)
    if (newBy === 'destination') {
      store.removeFact(facts.servicesBaselineEnd)
      store.services.clear()
    } else if (store.fact(facts.servicesBaselineEnd) === undefined)
      store.setFact(facts.servicesBaselineEnd, livedMs + baselineMs)
    if (store.fact(facts.baselineEnd) !== undefined) return
    // A database of an earlier version has it by the wall clock.
    const wallEndMs = store.fact(facts.baselineEndByWallClock)
    const leftMs = wallEndMs === undefined ? baselineMs : Number(wallEndMs) - now.wallMs
    store.setFact(facts.baselineEnd, livedMs + Math.min(Math.max(leftMs, 0), baselineMs))
  }

  /** @param store that has begun */
  constructor(store: Store, now: Instant) {
    this.#clock = new LivedClock(store.clock(), now)
    this.#baselineEndMs = Number(store.fact(facts.baselineEnd))
    this.#servicesBaselineEndMs = Number(store.fact(facts.servicesBaselineEnd) ?? -Infinity)
  }

  lived(now: Instant): number {
    return this.#clock.at(now)
  }

  /** Where the last baseline ends, in ms since the Unix epoch. */
  baselineEnd(now: Instant): number {
    const endMs = Math.max(this.#baselineEndMs, this.#servicesBaselineEndMs)
    return Math.round(now.wallMs + endMs - this.lived(now))
  }

  isBaseline({ firstLivedMs }: PlacedContact): boolean {
    return firstLivedMs < this.#baselineEndMs
  }

  /** The same of what is new for a service. */
  isServicesBaseline(firstLivedMs: number): boolean {
    return firstLivedMs < this.#servicesBaselineEndMs
  }

  place(contacts: readonly Contact[], now: Instant): PlacedContact[] {
    const livedMs = this.lived(now)
    return contacts.map((contact) => ({
      ...contact,
      life: `${now.bootId}:${contact.record}`,
      ...(contact.nextRecord !== undefined && { nextLife: `${now.bootId}:${contact.nextRecord}` }),
      lastSeenMs: Math.max(contact.firstSeenMs, contact.lastSeenMs),
      firstLivedMs: Math.round(livedMs - contact.ageMs),
      lastLivedMs: Math.round(livedMs - Math.min(contact.idleMs, contact.ageMs)),
    }))
  }

  /** Looks how the wall clock went on: by how many ms it was set, and which times are to be mended. */
  look(now: Instant): { readonly stepMs: number; readonly wrong: readonly WrongTimes[] } {
    const stepMs = this.#clock.look(now)
    const wrong = this.#clock.takeWrongTimes()
    if (stepMs !== 0 || wrong.length > 0) this.#savedAtMs = -Infinity
    return { stepMs, wrong }
  }

  /** Whether it is time to write it down. */
  isDue(now: Instant): boolean {
    return now.monotonicMs - this.#savedAtMs >= saveEveryMs
  }

  save(store: Store, now: Instant): void {
    this.#savedAtMs = now.monotonicMs
    store.saveClock(this.#clock.saved)
  }
}

/** A contact as if its first packet were now. */
export const asOfNow = ({ own, ...contact }: Contact, nowMs: number): Contact => ({
  ...contact,
  ...(own && { own: { ...own, ageMs: 0 } }),
  ageMs: 0,
  firstSeenMs: nowMs,
})
