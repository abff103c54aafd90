import type { DestinationKey, EventRow, NamedContact, PlacedContact, Remembered, Status } from './rows.js'
import type { ServiceContacts } from './service-contacts.js'

/** What is new is announced one by one up to so many, the oldest: of a flood the number says enough. */
export const maxAnnounced = 1_000

/** The names of facts. */
export const facts = {
  /** What a later run goes on from: `SavedClock` as JSON. */
  clock: 'clock',
  /** In ms of time that was lived. */
  baselineEnd: 'baseline_end_lived_ms',
  /** The same of what is new for a service; absent: nobody asks that. */
  servicesBaselineEnd: 'services_baseline_end_lived_ms',
  /** The same since the Unix epoch, in databases of the first version. */
  baselineEndByWallClock: 'baseline_end_ms',
  /** 1: somebody keeps an audit log of this; else events are not kept. */
  audited: 'audited',
  /** The version of the files that all networks are of. */
  networks: 'networks',
} as const

/** What a store says of all that it holds. */
export interface Summary {
  /** Destinations never seen before, after the baseline, by interface. */
  readonly newDestinations: ReadonlyMap<string, number>
  /** The oldest of those that nobody has acknowledged, oldest first. */
  readonly announced: readonly Remembered[]
  /** How many nobody has acknowledged. */
  readonly unacknowledged: number
}

/** The part of a store that fails over; see `FailoverStore`. */
export interface MemoryStore {
  get(iface: string, destination: string): Remembered | undefined
  /** @param note why it is not news */
  insert(contact: NamedContact, status: Status, note?: string | null): void
  /** Says who sent the first packet, where that was not known. */
  nameSender(key: DestinationKey, service: string): void
  /**
   * Takes over what a destination counts now. In a new life it goes on from what was remembered. Where a
   * record leaves that counted together with others, it is what that one counted, and the life goes on as
   * theirs.
   *
   * @returns false if the destination is not remembered
   */
  update(contact: PlacedContact): boolean
  /** Whether any destination belongs to a network. */
  hasNetwork(network: string): boolean
  /** Which service sends where, of the destinations that are remembered. */
  readonly services: Pick<ServiceContacts, 'update' | 'insert'>
  /** Counts what is new on an interface. */
  addNew(iface: string, count: number): void
  addEvents(events: readonly EventRow[]): void
}
