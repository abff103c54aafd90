import { isDeepStrictEqual } from 'node:util'
import { type Expectation, type FirstContact, parseExpectation } from '../config/expectation.js'
import type { FailoverStore } from './failover-store.js'
import type { Summary } from './memory-store.js'
import { eventOf } from './rows.js'
import type { StoredExpectation } from './stored-expectations.js'

interface Noted extends Expectation {
  readonly note: string | null
}

/** What is expected: by the configuration, and by whoever said so while the exporter ran. */
export class Expectations {
  readonly #configured: readonly Expectation[]
  #stored: readonly Noted[] = []
  /** Those that all that is new was held against. */
  #met: readonly StoredExpectation[] = []

  constructor(configured: readonly string[]) {
    this.#configured = configured.map(parseExpectation)
  }

  /**
   * Takes over the rules of a store. What was new and is expected by now, is new no longer.
   *
   * @returns what is new
   */
  meet(store: FailoverStore, nowMs: number): Summary {
    const rules = store.current.expectations.list()
    const hasChanged = !isDeepStrictEqual(rules, this.#met)
    if (hasChanged) this.#stored = rules.flatMap(({ rule, note }) => readStored(rule, note) ?? [])
    const summary = store.summary()
    // Until the disk works again.
    if (store.degraded) return summary
    this.#met = rules
    // A new rule may expect what is beyond those that are announced.
    const news = hasChanged ? store.current.select({ status: 'new' }) : summary.announced
    const met = [...news].flatMap((one) => {
      const note = this.reasonOf(one)
      return note === undefined ? [] : [{ ...one, status: 'expected' as const, note }]
    })
    if (met.length === 0) return summary
    store.transaction((_view, whole) => {
      for (const one of met) whole.expectations.meet(one)
      whole.addEvents(
        met.map((one) => eventOf('acknowledged', one, nowMs, { status: one.status, note: one.note })),
      )
    })
    return store.summary()
  }

  /** Why a first contact is expected; undefined: it is not. */
  reasonOf(contact: FirstContact): string | undefined {
    const stored = this.#stored.find(({ matches }) => matches(contact))
    if (stored) return stored.note ?? stored.text
    return this.#configured.find(({ matches }) => matches(contact))?.text
  }
}

/** undefined: another version made it, and knows conditions that this one does not. */
function readStored(rule: string, note: string | null): Noted | undefined {
  try {
    return { ...parseExpectation(rule), note }
  } catch {
    return undefined
  }
}
