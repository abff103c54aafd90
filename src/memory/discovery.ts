import { readFileSync } from 'node:fs'
import type { Settings } from '../config/settings.js'
import type { Sighting } from '../kernel/addon.js'
import type { Logger } from '../log.js'
import type { Memory } from './memory.js'
import type { Contact } from './store.js'

/** The kernel's table, as far as memory needs it. */
export interface Table {
  discover(most: number): Promise<Sighting[]>
  takeRetired(most: number): Promise<Sighting[]>
  know(sightings: readonly Pick<Sighting, 'id' | 'firstSeenNs' | 'firstSeenMs'>[]): Promise<void>
  findActive(from: number, most: number): Promise<{ next: number; sightings: Sighting[] }>
}

/** What the memory takes over of counters and of last contacts is this old at most. */
const updateIntervalMs = 60_000
/** A batch holds the main thread for a millisecond or two. */
const batch = 128

/** Records that begin anew have other numbers, and so do those of another boot. */
const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8)

/**
 * Brings what the kernel's table finds into the memory, whether or not anybody scrapes, and before
 * anybody sees it.
 */
export class Discovery {
  readonly #table: Table
  readonly #memory: Memory
  readonly #log: Pick<Logger, 'error'>
  readonly #settings: Pick<Settings, 'pollIntervalMs'>
  #running: Promise<void> | undefined
  #waiting: Promise<void> | undefined
  #noted: Promise<void> = Promise.resolve()
  #timer: NodeJS.Timeout | undefined
  #updatedAt = performance.now()
  #polling: Promise<void> = Promise.resolve()
  #closed = false

  constructor(
    table: Table,
    memory: Memory,
    settings: Pick<Settings, 'pollIntervalMs'>,
    log: Pick<Logger, 'error'>,
  ) {
    this.#table = table
    this.#memory = memory
    this.#settings = settings
    this.#log = log
    this.#schedule()
  }

  /**
   * Remembers whatever the table holds at the time of the call. Calls that come while one is under way
   * share the next.
   *
   * @throws NativeError if the table cannot be read
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
   * @throws NativeError if the table is closed
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
      this.#memory.refresh()
    } catch (error) {
      if (!this.#closed) this.#log.error({ err: error }, 'cannot remember destinations')
    }
    this.#schedule()
  }

  async #catchUpOnce(): Promise<void> {
    for (;;) {
      const found = await this.#table.discover(batch)
      if (found.length === 0) return
      // What left before these came may be their earlier lives.
      await this.retired()
      const firstSeen = this.#memory.record(found.map(toContact))
      await this.#table.know(
        found.map(({ id, firstSeenNs, firstSeenMs }, index) => ({
          id,
          firstSeenNs,
          firstSeenMs: firstSeen[index] ?? firstSeenMs,
        })),
      )
    }
  }

  async #noteRetired(): Promise<void> {
    for (;;) {
      const retired = await this.#table.takeRetired(batch)
      if (retired.length === 0) return
      this.#memory.expire(retired.map(toContact))
    }
  }

  async #update(): Promise<void> {
    this.#updatedAt = performance.now()
    for (let from = 0, more = true; more;) {
      const { next, sightings } = await this.#table.findActive(from, batch)
      if (sightings.length > 0) this.#memory.update(sightings.map(toContact))
      more = sightings.length === batch
      from = next
    }
  }
}

function toContact({ firstSeenNs, firstSeenMs, lastSeenMs, ...rest }: Sighting): Contact {
  const { interface: iface, destination, protocol, port, packets, bytes } = rest
  return {
    interface: iface,
    destination,
    protocol,
    port,
    packets,
    bytes,
    firstSeenMs,
    lastSeenMs: Math.max(firstSeenMs, lastSeenMs),
    life: `${bootId}:${firstSeenNs}`,
  }
}
