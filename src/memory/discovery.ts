import type { Settings } from '../config/settings.js'
import type { Contacts, Discovered, NamedSender, UnnamedSender } from '../kernel/contacts.js'
import type { Service } from '../services/service.js'
import type { Logger } from '../log.js'
import type { Corrections } from './memory.js'

/** The kernel's table, as far as memory needs it. */
export interface Table {
  discover(most: number): Promise<Discovered>
  takeRetired(most: number): Promise<Contacts>
  publish(keys: BigUint64Array, firstSeenMs: Float64Array): Promise<void>
  findActive(from: number, most: number): Promise<Contacts & { readonly next: number }>
  unnamedSenders(): Promise<UnnamedSender[]>
  nameSenders(named: readonly NamedSender[]): Promise<void>
}

/** The memory, as far as it learns from the table. */
export interface Recorder {
  record(contacts: Contacts): Promise<Float64Array>
  update(contacts: Contacts): Promise<Corrections>
  expire(contacts: Contacts): Promise<void>
  nameSenders(senders: readonly UnnamedSender[]): Promise<(Service | undefined)[]>
  refresh(): Promise<void>
}

type DiscoverySettings = Pick<Settings, 'pollIntervalMs' | 'servicesLimit'>

/** What the memory takes over of counters and of last contacts is this old at most. */
const updateIntervalMs = 60_000

/** Contacts that are remembered together: one transaction. More as more wait. */
const minBatch = 256
const maxBatch = 4_096

/**
 * Brings what the kernel's table finds into the memory, whether or not anybody scrapes, and before
 * anybody sees it.
 */
export class Discovery {
  readonly #table: Table
  readonly #memory: Recorder
  readonly #log: Pick<Logger, 'error'>
  readonly #settings: DiscoverySettings
  #batch = minBatch
  #running: Promise<void> | undefined
  #waiting: Promise<void> | undefined
  #noted: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #updatedAt = performance.now()
  #polling: Promise<void> = Promise.resolve()
  #closed = false

  constructor(table: Table, memory: Recorder, settings: DiscoverySettings, log: Pick<Logger, 'error'>) {
    this.#table = table
    this.#memory = memory
    this.#settings = settings
    this.#log = log
    this.#schedule()
  }

  /**
   * Remembers whatever the table holds at the time of the call, and not what comes meanwhile. Calls that
   * come while one is under way share the next.
   *
   * @throws NativeError if the table cannot be read; Error if the memory has stopped
   */
  catchUp(): Promise<void> {
    if (!this.#running) {
      this.#running = this.#catchUpOnce().finally(() => {
        this.#running = undefined
      })
      return this.#running
    }
    // What it has seen may be older than this call.
    this.#waiting ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#waiting = undefined
        return this.catchUp()
      })
    return this.#waiting
  }

  /**
   * Notes destinations that left the table.
   *
   * @throws as `catchUp` does
   */
  retired(): Promise<void> {
    const noted = this.#noted.then(() => this.#noteRetired())
    this.#noted = noted.catch(() => undefined)
    return noted
  }

  /** Remembers what came last, and ends. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#polling
    try {
      await this.retired()
      await this.catchUp()
      await this.#update()
    } catch (error) {
      this.#log.error({ err: error }, 'cannot remember what came last')
    }
  }

  #schedule(): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      this.#polling = this.#poll()
    }, this.#settings.pollIntervalMs).unref()
  }

  async #poll(): Promise<void> {
    try {
      await this.catchUp()
      if (performance.now() - this.#updatedAt >= updateIntervalMs) await this.#update()
      await this.#memory.refresh()
    } catch (error) {
      if (!this.#closed) this.#log.error({ err: error }, 'cannot remember destinations')
    }
    this.#schedule()
  }

  /** Once around the table: each record that it held at the beginning was looked at. */
  async #catchUpOnce(): Promise<void> {
    if (this.#settings.servicesLimit > 0) await this.#nameSenders()
    for (let left = Infinity; left > 0;) {
      const found = await this.#table.discover(this.#batch)
      if (found.count === 0) return
      // What left before these came may be their earlier lives.
      await this.retired()
      await this.#table.publish(found.keys, await this.#memory.record(found))
      left = Math.min(left, found.records) - found.looked
      const isFull = found.count === this.#batch
      this.#batch = isFull ? Math.min(2 * this.#batch, maxBatch) : minBatch
    }
  }

  /** Those whose services are known by now. */
  async #nameSenders(): Promise<void> {
    const unnamed = await this.#table.unnamedSenders()
    if (unnamed.length === 0) return
    const services = await this.#memory.nameSenders(unnamed)
    const named = unnamed.flatMap(({ slot, sender }, index) => {
      const service = services[index]
      return service ? [{ slot, sender, ...service }] : []
    })
    await this.#table.nameSenders(named)
  }

  /** What had left at the beginning: each batch is taken out of the table's list. */
  async #noteRetired(): Promise<void> {
    for (let more = true; more;) {
      const retired = await this.#table.takeRetired(maxBatch)
      more = retired.count === maxBatch
      if (retired.count > 0) await this.#memory.expire(retired)
    }
  }

  async #update(): Promise<void> {
    this.#updatedAt = performance.now()
    for (let from = 0, more = true; more;) {
      const active = await this.#table.findActive(from, maxBatch)
      more = active.count === maxBatch
      from = active.next
      if (active.count > 0) await this.#correct(active, await this.#memory.update(active))
    }
  }

  async #correct({ keys }: Contacts, corrections: Corrections): Promise<void> {
    if (corrections.length === 0) return
    const corrected = corrections.flatMap(({ index }) => [...keys.subarray(2 * index, 2 * index + 2)])
    const firstSeenMs = corrections.map((one) => one.firstSeenMs)
    await this.#table.publish(BigUint64Array.from(corrected), Float64Array.from(firstSeenMs))
  }
}
