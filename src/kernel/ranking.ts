import type { Prefix } from '../config/prefix.js'

/** A destination of the table as it is now, under the names that users have for it. */
export interface NamedDestination {
  readonly interface: string
  /** An address, or a prefix. */
  readonly destination: string
  /** IP protocol number of the first packet. */
  readonly protocol: number
  /** Of the first packet; 0: none. */
  readonly port: number
  readonly packets: number
  readonly bytes: number
  /** In ms since the Unix epoch, by the clock as it was then. */
  readonly firstSeenMs: number
  /** Likewise, as far as the sweeper has looked. */
  readonly lastSeenMs: number
  /** How long ago the record's first packet was, whatever the wall clock did. */
  readonly ageMs: number
  /** Likewise its last one. */
  readonly idleMs: number
}

/** What a list of destinations can be ordered by, as native/query.cc has it. */
export const orders = [
  'destination',
  'interface',
  'protocol',
  'port',
  'packets',
  'bytes',
  'packetsPerSecond',
  'bytesPerSecond',
  'firstSeen',
  'lastSeen',
] as const
export type Order = (typeof orders)[number]

/** Which published destinations are wanted, and which part of their list. */
export interface RankQuery {
  /** A part of the address as text. */
  readonly search?: string
  readonly within?: Prefix
  readonly interface?: string
  /** IP protocol number. */
  readonly protocol?: number
  readonly port?: number
  /** A row for each service that sends there, with its own counts, where they are told apart. */
  readonly byService?: boolean
  /** The rows of one. */
  readonly service?: string
  /** It has to be one of these. */
  readonly onlyThese?: readonly { readonly interface: string; readonly prefix: Prefix }[]
  readonly order: Order
  readonly descending: boolean
  readonly offset: number
  readonly limit: number
}

export interface Counts {
  readonly packets: number
  readonly bytes: number
}

/** How fast something grew between the last two sweeps. */
export interface Rated {
  readonly packetsPerSecond: number
  readonly bytesPerSecond: number
}

/** What an interface counts. */
export interface CountedInterface extends Counts, Rated {
  readonly interface: string
  /** Published, and in the table now. */
  readonly destinations: number
  /** By the `reason` of egress_unlisted_packets_total. */
  readonly unlisted: Readonly<Record<string, Counts>>
}

/** What a service sends to all published destinations. */
export interface CountedService extends Counts, Rated {
  readonly service: string
  readonly destinations: number
}

/** A part of the list of destinations, and what the interfaces count beside it. */
export interface Ranking {
  /** As many match, on all parts of the list. */
  readonly matched: number
  readonly rows: readonly (NamedDestination & Rated & { readonly service?: string | null })[]
  /** By name. */
  readonly interfaces: readonly CountedInterface[]
  /** None where they are not told apart. */
  readonly services: readonly CountedService[]
}
