import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { BpfMode } from '../config/options.js'
import type { Prefix } from '../config/prefix.js'
import type { Choice } from '../config/settings.js'
import { ExitCode, UserError } from '../errors.js'
import { root } from '../root.js'
import type { Contacts } from './contacts.js'
import type { System } from './system.js'

/** A network interface as rtnetlink describes it. */
export interface Link {
  readonly ifindex: number
  readonly name: string
  /** Other names that it has, as good as the first. */
  readonly altnames: readonly string[]
  /** Whether it may have routes. */
  readonly up: boolean
  /** ARPHRD_*, include/uapi/linux/if_arp.h. */
  readonly type: number
  /** Of a virtual one, such as "vlan"; empty otherwise. */
  readonly kind: string
  /** Of one that a bus device is behind, such as "pci"; empty otherwise, and before Linux 5.14. */
  readonly bus: string
  /** The ifindex of its bridge, bond or VRF; 0: none. */
  readonly master: number
  /** The ifindex of the one that it lies on; 0: none. */
  readonly lower: number
}

/** A clsact filter of this program. */
export interface Leftover {
  readonly ifindex: number
  readonly interface: string
  /** The id of the BPF program in it. */
  readonly programId: number
}

/** How the program hangs on an interface. */
export interface Hanging {
  readonly mode: AttachedMode
  /** What runs before it, and may end the chain. */
  readonly before: readonly Predecessor[]
}

/** Something that runs before the program at an interface's egress. */
export interface Predecessor {
  readonly mode: AttachedMode
  /** Of a clsact filter. */
  readonly priority: number
  /** 0: a filter that is not BPF. */
  readonly programId: number
  /** Of a filter: its own, or its kind. */
  readonly name: string
}

/** A filter on the egress side of a clsact qdisc. */
export interface ClsactFilter {
  readonly priority: number
  readonly handle: number
  /** 0: not a BPF filter. */
  readonly programId: number
  /** Such as "bpf" or "u32". */
  readonly kind: string
  /** Of a BPF filter. */
  readonly name: string
}

/** A folder of pins on a BPF file system. */
export interface PinFolder {
  readonly path: string
  /** What is pinned there, such as "v1/destinations". */
  readonly pins: readonly string[]
  /** The process that uses it; absent: none. */
  readonly holder?: number
}

/** What one round of housekeeping found and did. */
export interface Housekeeping {
  /** Destinations in the table now. */
  readonly listed: number
  /** Taken out for want of traffic. */
  readonly expired: number
  /** Taken out for want of room. */
  readonly evicted: number
  /** Packets without room in the table, of all interfaces, so far. */
  readonly overflowPackets: number
}

/** What became of the pins. */
export interface KeptPins {
  /** Somebody had removed these. */
  readonly anew: readonly string[]
  /** These are not pinned: what they are of ends with the process. */
  readonly lost: readonly string[]
  /** Why, of the last; empty: none is lost. */
  readonly reason: string
}

/** A destination in the table. */
export interface Sighting {
  /** Of its record; with `firstSeenNs` it tells records apart that reuse it. */
  readonly id: number
  /** CLOCK_MONOTONIC. */
  readonly firstSeenNs: bigint
  readonly interface: string
  /** An address, or a prefix. */
  readonly destination: string
  /** Of the first packet, as is the protocol; 0: none. */
  readonly port: number
  /** IP protocol number. */
  readonly protocol: number
  readonly packets: number
  readonly bytes: number
  /** Since the Unix epoch. */
  readonly firstSeenMs: number
  /** As far as the housekeeper has looked. */
  readonly lastSeenMs: number
}

/** A part of a walk over the table that goes round and round. */
export interface Discovered extends Contacts {
  /** Records that were looked at. */
  readonly looked: number
  /** That there are; 0 where it was known that there is nothing to find. */
  readonly records: number
}

/** What a list of destinations is ordered by. */
export type Order =
  | 'destination'
  | 'interface'
  | 'protocol'
  | 'port'
  | 'packets'
  | 'bytes'
  | 'packetsPerSecond'
  | 'bytesPerSecond'
  | 'firstSeen'
  | 'lastSeen'

/** Which known destinations are wanted, and which part of their list. */
export interface RankQuery {
  /** A part of the address as text. */
  readonly search?: string
  readonly within?: Prefix
  readonly interface?: string
  /** IP protocol number. */
  readonly protocol?: number
  readonly port?: number
  /** It has to be one of these. */
  readonly among?: readonly { readonly interface: string; readonly destination: string }[]
  readonly order: Order
  readonly descending: boolean
  readonly offset: number
  readonly limit: number
}

export interface Counts {
  readonly packets: number
  readonly bytes: number
}

/** How fast something grew between the last two rounds of housekeeping. */
export interface Rated {
  readonly packetsPerSecond: number
  readonly bytesPerSecond: number
}

/** A part of the list of destinations, and what the interfaces count beside it. */
export interface Ranking {
  /** As many match, on all parts of the list. */
  readonly matched: number
  readonly rows: readonly (Sighting & Rated)[]
  /** By name. */
  readonly interfaces: readonly (Counts &
    Rated & {
      readonly interface: string
      /** Known, and in the table now. */
      readonly destinations: number
      /** By the `reason` of egress_unlisted_packets_total. */
      readonly unlisted: Readonly<Record<string, Counts>>
    })[]
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
  /** How attachments hang; undefined for those that do not hang any more, or never did. */
  hanging(ifindexes: readonly number[]): Promise<(Hanging | undefined)[]>
  /** Stops counting on interfaces; their last counts stay until they are forgotten. */
  detach(ifindexes: readonly number[]): Promise<void>
  /** Lets go of the last counts of interfaces that departed longer ago than this; returns their names. */
  forgetDeparted(afterMs: number): Promise<string[]>
  /**
   * Takes destinations out of the table that had no packet for so long (0: none), and from 90 % of the
   * limit on those that had none for longest.
   *
   * @param tell whether takeRetired() is to tell of them
   */
  keepHouse(idleTimeoutMs: number, tell: boolean): Promise<Housekeeping>
  /** What keepHouse() took out and is to tell of: once each, in order, so many at most. */
  takeRetired(most: number): Promise<Contacts>
  /** Pins what others removed anew, as far as that can be done. */
  keepPins(): Promise<KeptPins>
  /** Exchanges the prefixes that decide about destinations, listed ones too: all, or rejects and none. */
  choose(choices: readonly Choice[]): Promise<void>
  /** Says which source ports are those of calls: 1024 words for TCP, 1024 for other protocols. */
  setOwnPorts(bits: BigUint64Array): Promise<void>
  /** Destinations in the table that are not known yet, so many at most; they are on no page. */
  discover(most: number): Promise<Discovered>
  /** Makes destinations known, with the first contact that pages will show, in ms since the Unix epoch. */
  know(keys: BigUint64Array, firstSeenMs: Float64Array): Promise<void>
  /** A part of the list of known destinations, in some order. */
  rank(query: RankQuery): Promise<Ranking>
  /** Known destinations with packets since the last such walk, from an id on; `next` is where to go on. */
  findActive(from: number, most: number): Promise<Contacts & { readonly next: number }>
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

export type AttachedMode = Exclude<BpfMode, 'auto'>

/** Calls back when interfaces, what hangs on them, or default routes may have changed. */
export interface NativeInterfaceWatch {
  close(): void
}

/** One scrape's walk over a page of metric text. */
export interface NativePageReader {
  /** When the maps were read, CLOCK_MONOTONIC. */
  readonly readNs: bigint
  /** Bytes in the buffer of the read. */
  readonly filled: number
  /** Whether there is no more to fill; not while fill() is under way. */
  readonly ended: boolean
  /** Fills the buffer with whole lines off the main thread; returns how many bytes. */
  fill(buffer: Uint8Array): Promise<number>
  /** Lets go of the page, whose memory others use again. Idempotent. */
  close(): void
}

/** What native/node/ exports. */
export interface Addon {
  readonly Exporter: new (options: {
    destinationsLimit: number
    choices: readonly Choice[]
    /** In bits, what destinations are told apart by. */
    ipv4PrefixLength: number
    ipv6PrefixLength: number
    /** Whether packets that answer others' connections make no destination. */
    aggregateReplies: boolean
    /** A folder on a BPF file system; empty: nothing outlives the process. */
    pinPath: string
    /** true: goes without what Linux 5.4 lacks; for tests. */
    oldKernel?: boolean
  }) => NativeExporter
  readonly InterfaceWatch: new (
    changed: (changes: { readonly links: boolean; readonly defaultRoutes: boolean }) => void,
  ) => NativeInterfaceWatch
  links(): Link[]
  /** Whether there is such an interface now. */
  hasInterface(ifindex: number): boolean
  /** The ports on which TCP sockets listen; throws a NativeError. */
  listeningTcpPorts(): number[]
  /** Interfaces of the default routes of any table and family, by ifindex; takes as long as there are routes. */
  defaultRouteInterfaces(): Promise<number[]>
  /** The clsact filters of this program, on every interface, in use or left behind. */
  leftovers(): Leftover[]
  /** Removes such a filter and nothing else; throws a NativeError. */
  removeLeftover(leftover: Leftover): void
  /** Every folder of pins of this program, in use or left behind. */
  pinFolders(): PinFolder[]
  /** Removes a folder of pins with what is attached by them; throws a NativeError. */
  removePins(path: string): void
  /** The BPF programs in an interface's TCX egress chain, by id, in the order in which they run. */
  tcxChain(ifindex: number, interfaceName: string): number[]
  /** The qdiscs at the place that clsact and `ingress` share. Only clsact has an egress side. */
  sharedPlaceQdiscs(): { readonly ifindex: number; readonly kind: string }[]
  /** The filters on an interface's clsact qdisc, whoever put them there, in the order in which they run. */
  clsactFilters(ifindex: number): ClsactFilter[]
  /** The name of a BPF program; empty where it cannot be seen (CAP_SYS_ADMIN). */
  programName(programId: number): string
  /** Attaches in a network namespace made for it; throws a NativeError that says why it cannot be done. */
  tryAttach(mode: AttachedMode): void
  /** Whether array maps can be mapped into memory (Linux 5.5 and newer), probed. */
  hasMmapableArrays(): boolean
  /** Whether one system call waits for running programs (not with nohz_full), probed. */
  hasMembarrier(): boolean
  /** Whether this kernel has TCX (Linux 6.6 and newer), probed. */
  tcxSupported(): boolean
  /** Gives back the memory of code that only the start needed; the kernel brings it again when it is. */
  releaseStartupPages(): void
  /** Such as "1.1". */
  readonly libbpfVersion: string
}

/** An error that the addon throws: what was tried, on what, and errno's name. */
export interface NativeError extends Error {
  readonly code: string
  readonly operation: string
  readonly object: string
  /** What libbpf and the kernel said, possibly in many lines; often empty. */
  readonly detail: string
}

export function isNativeError(error: unknown): error is NativeError {
  return error instanceof Error && 'operation' in error && 'code' in error
}

const defaultPath = fileURLToPath(new URL('build/Release/egress.node', root))

/**
 * Loads the native addon.
 *
 * @throws UserError if it is not built, or not for this machine
 */
export function loadAddon(path: string = defaultPath): Addon & System {
  try {
    return createRequire(import.meta.url)(path) as Addon & System
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason = code === 'MODULE_NOT_FOUND' ? 'it is not built' : message.split('\n')[0]
    throw new UserError(
      `cannot load the native addon ${path}: ${reason}; run npm run build`,
      ExitCode.failed,
      {
        cause: error,
      },
    )
  }
}
