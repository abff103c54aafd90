import type { Settings } from '../config/settings.js'
import { type Addon, loadAddon } from './native/addon.js'
import type { NativeExporter, RunStatistics } from './native/exporter.js'
import type { NativePageReader } from './native/page-reader.js'
import type { Ranking, RankQuery } from './ranking.js'
import { enableStatistics } from './bpf-statistics.js'
import { ChosenInterfaces } from './chosen-interfaces.js'
import type { NameListener } from './names.js'
import { explain } from './explain.js'
import { type FollowerLog, type FollowerSettings, InterfaceFollower } from './follower.js'
import type { FollowedInterface } from './interfaces.js'
import { PinKeeper } from './pin-keeper.js'
import { TableSweeper, type SweeperSettings, type TableState, type TableWatcher } from './table-sweeper.js'

export type { RunStatistics }

export type CounterSettings = FollowerSettings &
  SweeperSettings &
  Pick<
    Settings,
    'prefixRules' | 'ipv4PrefixLength' | 'ipv6PrefixLength' | 'servicesLimit' | 'pinPath' | 'bpfStats'
  >

interface Surroundings {
  readonly addon?: Addon
  readonly names?: NameListener | undefined
}

/** Large enough that the pages of most hosts are one chunk: each trip to the thread pool takes its time. */
const bufferBytes = 3 * 1024 * 1024
/** Of those who come while another has the large one: many at once take little memory. */
const smallBufferBytes = 256 * 1024

/** How a reading is shown. */
export interface View {
  readonly openMetrics: boolean
  /**
   * Zero first: a destination's counters are 0 on the first such page that has it, and on all those for
   * so long after. Default: they are what was counted.
   */
  readonly zeroForMs?: number
}

/** One read of the kernel's counters. */
export interface Reading {
  /**
   * Its metric text, rendered off the main thread, one chunk ahead of what is asked for. The memory of a
   * chunk is used again when the next is asked for. To be read to its end, or returned.
   */
  readonly chunks: AsyncGenerator<Chunk>
}

/** A part of a page. */
export interface Chunk {
  readonly bytes: Uint8Array
  /** Whether none comes after it. */
  readonly last: boolean
}

/** The kernel program: loaded, attached, counting until it is closed. */
export class EgressCounter {
  readonly libbpfVersion: string
  readonly #exporter: NativeExporter
  readonly #follower: InterfaceFollower
  readonly #sweeper: TableSweeper
  readonly #pins: PinKeeper
  /** The large one, kept from page to page; undefined while a page has it. */
  #buffer: Buffer | undefined = Buffer.allocUnsafeSlow(bufferBytes)

  /**
   * Loads the program and attaches it to the interfaces that the settings choose, now and as they
   * come. A failure leaves nothing attached.
   *
   * @throws UserError saying what the kernel, the privileges or the settings lack
   */
  static async open(
    settings: CounterSettings,
    log: FollowerLog,
    { addon = loadAddon(), names }: Surroundings = {},
  ): Promise<EgressCounter> {
    try {
      const exporter = openExporter(settings, log, addon, names)
      try {
        return await EgressCounter.#start(settings, log, addon, exporter, names)
      } catch (error) {
        exporter.close()
        throw error
      }
    } catch (error) {
      throw explain(error)
    }
  }

  static async #start(
    settings: CounterSettings,
    log: FollowerLog,
    addon: Addon,
    exporter: NativeExporter,
    names: NameListener | undefined,
  ): Promise<EgressCounter> {
    const adopted = (await exporter.adopted()).map(({ name }) => name)
    if (adopted.length > 0)
      log.info({ pin_path: settings.pinPath, interfaces: adopted }, 'going on with pinned counts')
    // Before anything is attached, since it says what is a call.
    const sweeper = await TableSweeper.start(addon, exporter, settings, log)
    try {
      const follower = await InterfaceFollower.start(
        addon,
        exporter,
        settings,
        log,
        names && new ChosenInterfaces((ifindexes) => names.choose(ifindexes)),
      )
      const pins = new PinKeeper(exporter, settings.pinPath, log)
      // What the start could not pin is told at once.
      await pins.look()
      return new EgressCounter(addon, exporter, sweeper, follower, pins)
    } catch (error) {
      sweeper.close()
      throw error
    }
  }

  private constructor(
    addon: Addon,
    exporter: NativeExporter,
    sweeper: TableSweeper,
    follower: InterfaceFollower,
    pins: PinKeeper,
  ) {
    this.libbpfVersion = addon.libbpfVersion
    this.#exporter = exporter
    this.#sweeper = sweeper
    this.#follower = follower
    this.#pins = pins
  }

  /** The chosen interfaces that exist now. */
  get interfaces(): readonly FollowedInterface[] {
    return this.#follower.interfaces
  }

  /** The interfaces that were named and do not exist. */
  get missingInterfaces(): readonly string[] {
    return this.#follower.missing
  }

  /** For how many seconds each interface was there and not counted, at most. */
  get uncountedSeconds(): ReadonlyMap<string, number> {
    return this.#follower.uncountedSeconds
  }

  /** Whether all that counts is pinned; undefined: it is not to be. */
  get pinned(): boolean | undefined {
    return this.#pins.pinned
  }

  /** Looks after the pins, as it does every few seconds. Never rejects. */
  keepPins(): Promise<void> {
    return this.#pins.look()
  }

  /** What the kernel measured of the program. */
  get runStatistics(): RunStatistics {
    return this.#exporter.runStatistics()
  }

  /** What left the table so far, and whether it is full. */
  get table(): TableState {
    return this.#sweeper.state
  }

  /**
   * Takes new settings over, as far as they can change while it counts: interfaces, prefixes, and the
   * idle timeout. No count is lost.
   */
  async reload(settings: CounterSettings): Promise<void> {
    await this.#exporter.setPrefixRules(settings.prefixRules)
    this.#sweeper.reload(settings)
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

  /** Destinations as they come and go, for whoever remembers them. Those that are not published are on no page. */
  get destinations(): Pick<
    NativeExporter,
    'discover' | 'publish' | 'findActive' | 'takeRetired' | 'unnamedSenders' | 'nameSenders'
  > {
    return this.#exporter
  }

  /** A part of the list of published destinations, in some order, with what the interfaces count. */
  rank(query: RankQuery): Promise<Ranking> {
    return this.#exporter.rank(query)
  }

  /** Tells somebody what happens to the table. */
  watch(watcher: TableWatcher): void {
    this.#sweeper.watcher = watcher
  }

  /** Reads the counters. Calls at about the same time share a read. */
  async read({ openMetrics, zeroForMs }: View): Promise<Reading> {
    const large = this.#buffer
    this.#buffer = undefined
    const buffer = large ?? Buffer.allocUnsafeSlow(smallBufferBytes)
    const giveBack = () => {
      this.#buffer ??= large
    }
    try {
      const reader = await this.#exporter.read(openMetrics, zeroForMs, buffer)
      return { chunks: render(reader, buffer, giveBack) }
    } catch (error) {
      giveBack()
      throw error
    }
  }

  /** Detaches everywhere, or leaves everything to its pins. Idempotent; a read under way still ends well. */
  close(): void {
    this.#follower.close()
    this.#sweeper.close()
    this.#pins.close()
    this.#exporter.close()
  }
}

function openExporter(
  settings: CounterSettings,
  log: FollowerLog,
  addon: Addon,
  names: NameListener | undefined,
): NativeExporter {
  const { prefixRules, ipv4PrefixLength, ipv6PrefixLength, aggregateReplies, pinPath } = settings
  const { destinationsLimit, servicesLimit } = settings
  const kernelMiB = Number((addon.kernelBytes(destinationsLimit, servicesLimit) / 2 ** 20).toFixed(1))
  log.info(
    { destinations_limit: destinationsLimit, kernel_mib: kernelMiB },
    'the tables take this much memory in the kernel',
  )
  const exporter = new addon.Exporter({
    destinationsLimit,
    prefixRules,
    ipv4PrefixLength,
    ipv6PrefixLength,
    aggregateReplies,
    servicesLimit,
    pinPath,
    names: names?.native,
  })
  for (const reason of exporter.replaced()) {
    log.warn({ pin_path: pinPath, reason }, 'pins of an earlier run do not fit: its counts are lost')
  }
  if (settings.bpfStats) enableStatistics(exporter, log)
  return exporter
}

async function* render(
  reader: NativePageReader,
  buffer: Buffer,
  giveBack: () => void,
): AsyncGenerator<Chunk> {
  const { filled: begun, ended } = reader
  let filling = Promise.resolve(begun)
  try {
    if (ended) {
      yield { bytes: buffer.subarray(0, begun), last: true }
      return
    }
    // What does not fit goes by halves: one is filled while the other is on its way to the client.
    const middle = buffer.length / 2
    const halves = [buffer.subarray(0, middle), buffer.subarray(middle)] as const
    yield { bytes: halves[0], last: false }
    filling = reader.fill(halves[0])
    yield { bytes: halves[1].subarray(0, begun - middle), last: false }
    let [filled, other] = halves
    for (let last = false; !last; [filled, other] = [other, filled]) {
      const length = await filling
      last = reader.ended
      if (!last) filling = reader.fill(other)
      yield { bytes: filled.subarray(0, length), last }
    }
  } finally {
    await filling.catch(() => undefined)
    reader.close()
    giveBack()
  }
}
