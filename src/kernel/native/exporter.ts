import type { BpfMode } from '../../config/options.js'
import type { PrefixRule } from '../../config/prefix-rules.js'
import type { Contacts, Discovered, NamedSender, UnnamedSender } from '../contacts.js'
import type { Ranking, RankQuery } from '../ranking.js'
import type { NativePageReader } from './page-reader.js'
import type { KeptPins } from './pins.js'
import type { AttachedMode, AttachmentInfo } from './programs.js'

/** What a sweep found and did. */
export interface SweepResult {
  /** Destinations in the table now. */
  readonly listed: number
  /** Taken out for want of traffic. */
  readonly expired: number
  /** Taken out for want of room. */
  readonly evicted: number
  /** Packets without room in the table, of all interfaces, so far. */
  readonly overflowPackets: number
}

/** How often the kernel program ran, and for how long, while BPF statistics were on. */
export interface RunStatistics {
  readonly runs: number
  readonly seconds: number
}

export interface NativeExporter {
  /** What an earlier run, whose pins were adopted, counted on and this one has not decided on yet. */
  adopted(): Promise<{ readonly ifindex: number; readonly name: string }[]>
  /** What of an earlier run's pins was lost, and why. */
  replaced(): string[]
  /**
   * Counts what leaves an interface from now on, also after others removed it; rejects with a NativeError.
   *
   * @param replaced the program of a clsact filter of this program's that may be exchanged for this one
   */
  attach(
    ifindex: number,
    name: string,
    ethernet: boolean,
    mode: BpfMode,
    replaced?: number,
  ): Promise<AttachedMode>
  /** How the program is attached; undefined where it is not any more, or never was. */
  attachmentInfo(ifindexes: readonly number[]): Promise<(AttachmentInfo | undefined)[]>
  /** Stops counting on interfaces; their last counts stay until they are forgotten. */
  detach(ifindexes: readonly number[]): Promise<void>
  /** Lets go of the last counts of interfaces that departed longer ago than this; returns their names. */
  forgetDeparted(afterMs: number): Promise<string[]>
  /**
   * Takes destinations out of the table that had no packet for so long (0: none), and from 90 % of the
   * limit on those that had none for longest.
   *
   * @param reportRetired whether takeRetired() is to have them
   */
  sweep(idleTimeoutMs: number, reportRetired: boolean): Promise<SweepResult>
  /** What sweep() took out and reported: once each, in order, so many at most. */
  takeRetired(most: number): Promise<Contacts>
  /** Pins what others removed anew, as far as that can be done. */
  keepPins(): Promise<KeptPins>
  /** Exchanges the prefixes that decide about destinations, listed ones too: all, or rejects and none. */
  setPrefixRules(rules: readonly PrefixRule[]): Promise<void>
  /** Says which source ports are those of calls: 1024 words for TCP, 1024 for other protocols. */
  setClientPorts(bits: BigUint64Array): Promise<void>
  /** Destinations in the table that are not published yet, so many at most; they are on no page. */
  discover(most: number): Promise<Discovered>
  /** Publishes destinations, with the first contact that pages will show, in ms since the Unix epoch. */
  publish(keys: BigUint64Array, firstSeenMs: Float64Array): Promise<void>
  /** A part of the list of published destinations, in some order. */
  rank(query: RankQuery): Promise<Ranking>
  /** Published destinations with packets since the last such walk, from an id on; `next` is where to go on. */
  findActive(from: number, most: number): Promise<Contacts & { readonly next: number }>
  /** Senders that the program gave slots, and nobody names yet. */
  unnamedSenders(): Promise<UnnamedSender[]>
  /** Names such senders; what they count is on no page before. */
  nameSenders(named: readonly NamedSender[]): Promise<void>
  /** Turns the kernel's BPF statistics on as long as the process runs; throws a NativeError. */
  enableStatistics(): void
  /** What the kernel measured of the program while they were on. */
  runStatistics(): RunStatistics
  /** Gives up, for good, each capability that following interfaces does not need; returns what stays. */
  dropCapabilities(): string[]
  /**
   * Reads all maps and fills the buffer with the page's first lines, off the main thread; calls at
   * about the same time share a read. A destination's counters show 0 on the first page with a
   * `zeroForMs` that has it, and on all those for so long after; never without.
   */
  read(openMetrics: boolean, zeroForMs: number | undefined, buffer: Uint8Array): Promise<NativePageReader>
  /** Detaches everywhere, or leaves everything to its pins, as keepPins() last found them. Idempotent. */
  close(): void
}
