import type { Prefix } from '../config/prefix.js'

/** A destination in the table. */
export interface NamedDestination {
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
  /** As far as the sweeper has looked. */
  readonly lastSeenMs: number
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

/** Which published destinations are wanted, and which part of their list. */
export interface RankQuery {
  /** A part of the address as text. */
  readonly search?: string
  readonly within?: Prefix
  readonly interface?: string
  /** IP protocol number. */
  readonly protocol?: number
  readonly port?: number
  /** It has to be one of these. */
  readonly onlyThese?: readonly { readonly interface: string; readonly destination: string }[]
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

/** A part of the list of destinations, and what the interfaces count beside it. */
export interface Ranking {
  /** As many match, on all parts of the list. */
  readonly matched: number
  readonly rows: readonly (NamedDestination & Rated)[]
  /** By name. */
  readonly interfaces: readonly (Counts &
    Rated & {
      readonly interface: string
      /** Published, and in the table now. */
      readonly destinations: number
      /** By the `reason` of egress_unlisted_packets_total. */
      readonly unlisted: Readonly<Record<string, Counts>>
    })[]
}
