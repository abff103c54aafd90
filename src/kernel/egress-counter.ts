import type { Settings } from '../config/settings.js'
import { type Addon, loadAddon, type NativeExporter, type NativePage } from './addon.js'
import { explain } from './explain.js'
import {
  type FollowedInterface,
  type FollowerLog,
  type FollowerSettings,
  InterfaceFollower,
} from './follower.js'
import { Housekeeper, type HousekeeperSettings, type TableState } from './housekeeper.js'

export type CounterSettings = FollowerSettings &
  HousekeeperSettings &
  Pick<Settings, 'choices' | 'ipv4PrefixLength' | 'ipv6PrefixLength' | 'pinPath'>

/** Large enough that few trips to the thread pool make a page, small enough to stay in the cache. */
const chunkBytes = 256 * 1024

/** One read of the kernel's counters. */
export interface Reading {
  /** Its metric text, rendered off the main thread, chunk by chunk as they are asked for. */
  render(openMetrics: boolean): AsyncGenerator<Uint8Array>
}

/** The kernel program: loaded, attached, counting until it is closed. */
export class EgressCounter {
  readonly libbpfVersion: string
  readonly #addon: Addon
  readonly #exporter: NativeExporter
  readonly #follower: InterfaceFollower
  readonly #housekeeper: Housekeeper
  #reading: Promise<NativePage> | undefined

  /**
   * Loads the program and attaches it to the interfaces that the settings choose, now and as they
   * come. A failure leaves nothing attached.
   *
   * @throws UserError saying what the kernel, the privileges or the settings lack
   */
  static open(settings: CounterSettings, log: FollowerLog, addon: Addon = loadAddon()): EgressCounter {
    try {
      return new EgressCounter(settings, log, addon)
    } catch (error) {
      throw explain(error)
    }
  }

  private constructor(settings: CounterSettings, log: FollowerLog, addon: Addon) {
    const { choices, ipv4PrefixLength, ipv6PrefixLength, aggregateReplies, pinPath } = settings
    const { destinationsLimit } = settings
    this.#addon = addon
    this.libbpfVersion = addon.libbpfVersion
    this.#exporter = new addon.Exporter({
      destinationsLimit,
      choices,
      ipv4PrefixLength,
      ipv6PrefixLength,
      aggregateReplies,
      pinPath,
    })
    for (const reason of this.#exporter.replaced()) {
      log.warn({ pin_path: pinPath, reason }, 'pins of an earlier run do not fit: its counts are lost')
    }
    const adopted = this.#exporter.adopted().map(({ name }) => name)
    if (adopted.length > 0)
      log.info({ pin_path: pinPath, interfaces: adopted }, 'going on with pinned counts')
    try {
      // Before anything is attached, since it says what is a call.
      this.#housekeeper = new Housekeeper(addon, this.#exporter, settings, log)
    } catch (error) {
      this.#exporter.close()
      throw error
    }
    try {
      this.#follower = new InterfaceFollower(addon, this.#exporter, settings, log)
    } catch (error) {
      this.#housekeeper.close()
      this.#exporter.close()
      throw error
    }
  }

  /** The chosen interfaces that exist now. */
  get interfaces(): readonly FollowedInterface[] {
    return this.#follower.interfaces
  }

  /** What left the table so far, and whether it is full. */
  get table(): TableState {
    return this.#housekeeper.state
  }

  /**
   * Takes new settings over, as far as they can change while it counts: interfaces, prefixes, and the
   * idle timeout. No count is lost.
   */
  async reload(settings: CounterSettings): Promise<void> {
    await this.#exporter.choose(settings.choices)
    this.#housekeeper.reload(settings)
    this.#follower.reload(settings)
  }

  /**
   * Gives up, for good and in every thread, each capability that following interfaces does not need.
   *
   * @returns those that stay
   */
  dropCapabilities(): string[] {
    return this.#exporter.dropCapabilities()
  }

  /** Reads the counters. Calls that come while a read is under way share it. */
  async read(): Promise<Reading> {
    this.#reading ??= this.#exporter.read().finally(() => {
      this.#reading = undefined
    })
    const page = await this.#reading
    return { render: (openMetrics) => this.#render(page, openMetrics) }
  }

  /** Detaches everywhere, or leaves everything to its pins. Idempotent; a read under way still ends well. */
  close(): void {
    this.#follower.close()
    this.#housekeeper.close()
    this.#exporter.close()
  }

  async *#render(page: NativePage, openMetrics: boolean): AsyncGenerator<Uint8Array> {
    const reader = new this.#addon.PageReader(page, openMetrics)
    for (;;) {
      const chunk = Buffer.allocUnsafeSlow(chunkBytes)
      const written = await reader.fill(chunk)
      if (written === 0) return
      yield chunk.subarray(0, written)
    }
  }
}
