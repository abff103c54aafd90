import type { Contact } from '../kernel/contacts.js'
import type { Network } from '../networks/network.js'

export const statuses = ['baseline', 'new', 'acknowledged', 'expected'] as const
export type Status = (typeof statuses)[number]

/**
 * What is new with a first contact: the network, or an address that belongs to none that is known; an address
 * of a known network; or only the service that sends there.
 */
export const novelties = ['network', 'address', 'service'] as const
export type Novelty = (typeof novelties)[number]

/** What is remembered of a destination; times in ms since the Unix epoch. */
export interface Remembered extends Network {
  readonly interface: string
  readonly destination: string
  readonly firstSeenMs: number
  readonly lastSeenMs: number
  /** IP protocol number of the first packet. */
  readonly protocol: number
  /** Of the first packet; 0: none. */
  readonly port: number
  /** Who sent the first packet, as docs/services.md has it; null: not known, or not yet. */
  readonly service: string | null
  /** The user of its socket; null: it had none that is known. */
  readonly uid: number | null
  /** null: without files of networks, or while they are still looked up, nobody can tell. */
  readonly novelty: Novelty | null
  /** The name that led to it, as docs/names.md has it; empty: none did; null: not known. */
  readonly name: string | null
  readonly packets: number
  readonly bytes: number
  readonly status: Status
  readonly acknowledgedMs: number | null
  readonly note: string | null
}

/** What tells destinations apart. */
export type DestinationKey = Pick<Remembered, 'interface' | 'destination'>

/** A contact with its place in the time that was lived. */
export interface PlacedContact extends Contact {
  /** Tells apart the records of the kernel's table that count this destination, one after the other. */
  readonly life: string
  /** The life that goes on where this one ends, and others count the destination, too. */
  readonly nextLife?: string
  readonly firstLivedMs: number
  readonly lastLivedMs: number
}

/** What tells apart who sends where. */
export interface ServiceKey extends DestinationKey {
  readonly service: string
}

/** The first contact of a service with a destination. */
export interface ServiceContact
  extends
    ServiceKey,
    Pick<PlacedContact, 'protocol' | 'port' | 'firstSeenMs' | 'firstLivedMs' | 'lastLivedMs'>,
    Pick<Remembered, 'uid' | 'status'> {
  /** 1: nobody sent there before, so that it is no news beside the destination. */
  readonly isFirst: 0 | 1
}

/** Whether no other record counts the destination when this one leaves. */
export const isLast = ({ nextLife }: PlacedContact): boolean => nextLife === undefined

/** What is remembered of a contact's sender. */
export type NamedSender = Pick<Remembered, 'service' | 'uid'>

/** What the kernel does not know of a contact. */
export type Names = NamedSender & Network & Pick<Remembered, 'name' | 'novelty'>

/** A contact that is to be remembered. */
export type NamedContact = PlacedContact & Names

/** A destination as it is in the table. */
export interface StoredDestination
  extends Remembered, Pick<PlacedContact, 'life' | 'firstLivedMs' | 'lastLivedMs'> {
  /** What was counted before that life. */
  readonly packetsBefore: number
  readonly bytesBefore: number
}

/** What the table has of a first contact. */
export const storedContact = (
  contact: NamedContact,
  status: Status,
  note: string | null = null,
): StoredDestination => ({
  ...contact,
  status,
  acknowledgedMs: null,
  note,
  packetsBefore: 0,
  bytesBefore: 0,
})

/** What it has of what is only known as people see it: all that it counted was in another life. */
export const storedMemory = (one: Remembered): StoredDestination => ({
  ...one,
  life: '',
  packetsBefore: one.packets,
  bytesBefore: one.bytes,
  firstLivedMs: 0,
  lastLivedMs: 0,
})

export type AuditEvent = 'first_contact' | 'acknowledged' | 'unacknowledged' | 'forgotten' | 'expired'

/** Why something is forgotten: somebody wanted it, it was idle too long, or others needed the room. */
export type ForgetReason = 'command' | 'retention' | 'room'

type Subject = Pick<Remembered, 'interface' | 'destination' | 'protocol' | 'port'>

/** What the audit log is to tell. */
export interface EventRow extends Subject, Names {
  readonly event: AuditEvent
  /** When it happened, in ms since the Unix epoch. */
  readonly atMs: number
  readonly status: Status | null
  readonly note: string | null
  readonly reason: ForgetReason | null
  /** The user who wanted it; null: nobody did. */
  readonly actor: string | null
}

/** In the order in which it happened. */
export interface StoredEvent extends EventRow {
  readonly id: number
}

/** An event about a destination. */
export function eventOf(
  event: AuditEvent,
  {
    interface: iface,
    destination,
    protocol,
    port,
    service = null,
    uid = null,
    name = null,
    novelty = null,
    network = null,
    asn = null,
    asName = null,
    country = null,
  }: Subject & Partial<Names>,
  atMs: number,
  rest: Partial<Pick<EventRow, 'status' | 'note' | 'reason' | 'actor'>> = {},
): EventRow {
  return {
    event,
    atMs,
    interface: iface,
    destination,
    protocol,
    port,
    ...{ service, uid, name, novelty, network, asn, asName, country },
    status: null,
    note: null,
    reason: null,
    actor: null,
    ...rest,
  }
}

/** The event of a first contact. */
export const firstContactOf = (first: Remembered): EventRow =>
  eventOf('first_contact', first, first.firstSeenMs, { status: first.status, note: first.note })
