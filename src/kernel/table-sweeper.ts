import type { Settings } from '../config/settings.js'
import type { Logger } from '../log.js'
import type { Addon } from './native/addon.js'
import type { NativeExporter, SweepResult } from './native/exporter.js'
import { findClientPorts } from './client-ports.js'

export type SweeperSettings = Pick<Settings, 'idleTimeoutMs' | 'destinationsLimit' | 'aggregateReplies'>
export type SweeperLog = Pick<Logger, 'info' | 'warn'>

/** Looking at a record takes some nanoseconds, at 65,536 about half a millisecond. */
const intervalMs = 1_000
const recordsPerInterval = 65_536
/** While the table fills, so that room is made before it is full. */
const hurriedIntervalMs = 100
const hurriedFrom = 0.8
/** An overflow that goes on is mentioned this often. */
const overflowLogIntervalMs = 60_000

/** Whoever wants to know what happens to the table. */
export interface TableWatcher {
  /** The table fills fast: what is to be remembered must be, before it makes room. */
  nearlyFull(): Promise<void>
  /** Destinations have left it: takeRetired() tells which. */
  retired(): Promise<void>
}

/** What left the table so far, and whether it is full. */
export interface TableState {
  readonly expired: number
  readonly evicted: number
  /** Whether a packet found no room since the last look. */
  readonly full: boolean
}

/** Keeps the table from filling with destinations that nobody sends to, and says so when it is full. */
export class TableSweeper {
  readonly #addon: Addon
  readonly #exporter: NativeExporter
  readonly #log: SweeperLog
  #settings: SweeperSettings
  #timer: NodeJS.Timeout | undefined
  #state: TableState = { expired: 0, evicted: 0, full: false }
  #nearlyFull = false
  #overflowPackets = 0
  #overflowLoggedAt = -Infinity
  #closed = false
  watcher: TableWatcher | undefined

  /** @throws NativeError if the host's ports cannot be handed to the program */
  static async start(
    addon: Addon,
    exporter: NativeExporter,
    settings: SweeperSettings,
    log: SweeperLog,
  ): Promise<TableSweeper> {
    const sweeper = new TableSweeper(addon, exporter, settings, log)
    await sweeper.#refreshClientPorts()
    sweeper.#schedule(sweeper.#usualInterval())
    return sweeper
  }

  private constructor(addon: Addon, exporter: NativeExporter, settings: SweeperSettings, log: SweeperLog) {
    this.#addon = addon
    this.#exporter = exporter
    this.#settings = settings
    this.#log = log
  }

  get state(): TableState {
    return this.#state
  }

  /** Takes new settings over, as far as they can change. */
  reload(settings: SweeperSettings): void {
    this.#settings = { ...this.#settings, idleTimeoutMs: settings.idleTimeoutMs }
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #usualInterval(): number {
    return intervalMs * Math.max(1, this.#settings.destinationsLimit / recordsPerInterval)
  }

  #schedule(ms: number): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => void this.#round(), ms).unref()
  }

  async #round(): Promise<void> {
    let next = this.#usualInterval()
    try {
      await this.#refreshClientPorts()
      if (this.#nearlyFull) await this.watcher?.nearlyFull()
      const done = await this.#exporter.sweep(this.#settings.idleTimeoutMs, this.watcher !== undefined)
      this.#note(done)
      if (done.expired + done.evicted > 0) await this.watcher?.retired()
      this.#nearlyFull = done.listed > this.#settings.destinationsLimit * hurriedFrom
      if (this.#nearlyFull) next = hurriedIntervalMs
    } catch (error) {
      if (!this.#closed) this.#log.warn({ err: error }, 'cannot keep the table in order')
    }
    this.#schedule(next)
  }

  #note({ expired, evicted, overflowPackets }: SweepResult): void {
    const full = overflowPackets > this.#overflowPackets
    const { expired: before, evicted: evictedBefore } = this.#state
    this.#state = { expired: before + expired, evicted: evictedBefore + evicted, full }
    if (full && Date.now() - this.#overflowLoggedAt > overflowLogIntervalMs) {
      this.#overflowLoggedAt = Date.now()
      this.#log.warn(
        { overflow_packets: overflowPackets, limit: this.#settings.destinationsLimit },
        'the table is full: traffic to further destinations counts as overflow; raise --destinations.limit, or aggregate',
      )
    }
    this.#overflowPackets = overflowPackets
  }

  async #refreshClientPorts(): Promise<void> {
    if (this.#settings.aggregateReplies) await this.#exporter.setClientPorts(findClientPorts(this.#addon))
  }
}
