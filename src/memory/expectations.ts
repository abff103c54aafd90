import { isDeepStrictEqual } from 'node:util'
import { type Expectation, type FirstContact, parseExpectation } from '../config/expectation.js'
import type { FailoverStore } from './failover-store.js'
import type { Summary } from './memory-store.js'
import { eventOf } from './rows.js'
import type { StoredExpectation } from './stored-expectations.js'

/** What is expected: by the configuration, and by whoever said so while the exporter ran. */
export class Expectations {
  readonly #configured: readonly Expectation[]
  #stored: readonly (Expectation & { readonly note: string | null })[] = []
  /** As they were read. */
  #taken: readonly StoredExpectation[] = []

  constructor(configured: readonly string[]) {
    this.#configured = configured.map(parseExpectation)
  }

  /**
   * Takes over the rules of a store. What was new and is expected by now, is new no longer.
   *
   * @returns what is new
   */
  meet(store: FailoverStore, nowMs: number): Summary {
    const hasChanged = this.#take(store.current.expectations.list())
    const summary = store.summary()
    // A new rule may expect what is beyond those that are announced.
    const news = hasChanged ? store.current.select({ status: 'new' }) : summary.announced
    const met = [...news].flatMap((one) => {
      const note = this.reasonOf(one)
      return note === undefined ? [] : [{ ...one, status: 'expected' as const, note }]
    })
    if (met.length === 0 || store.degraded) return summary
    store.transaction((_view, whole) => {
      for (const one of met) whole.expectations.meet(one)
      whole.addEvents(
        met.map((one) => eventOf('acknowledged', one, nowMs, { status: one.status, note: one.note })),
      )
    })
    return store.summary()
  }

  /** @returns whether they are others than before */
  #take(stored: readonly StoredExpectation[]): boolean {
    if (isDeepStrictEqual(stored, this.#taken)) return false
    this.#taken = stored
    this.#stored = stored.flatMap(({ rule, note }) => {
      const read = readStored(rule)
      return read ? [{ ...read, note }] : []
    })
    return true
  }

  /** Why a first contact is expected; undefined: it is not. */
  reasonOf(contact: FirstContact): string | undefined {
    const stored = this.#stored.find(({ matches }) => matches(contact))
    if (stored) return stored.note ?? stored.text
    return this.#configured.find(({ matches }) => matches(contact))?.text
  }
}

/** undefined: another version made it, and knows conditions that this one does not. */
function readStored(rule: string): Expectation | undefined {
  try {
    return parseExpectation(rule)
  } catch {
    return undefined
  }
}
