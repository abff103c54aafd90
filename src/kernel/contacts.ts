import type { Service } from '../services/service.js'
import type { NamedDestination } from './ranking.js'

/** Who sent the first packet of a record. */
export interface Sender {
  /** Of its socket: the cgroup2 id, too long for a number; "0": no socket is known. */
  readonly cgroup: string
  /** The interface that it came in by; empty: it was not forwarded. */
  readonly ingress: string
  /** The user of its socket, where there is one. */
  readonly uid: number
}

/** A sender whose service is to be looked up. */
export interface UnnamedSender extends Pick<Sender, 'cgroup' | 'ingress'> {
  readonly slot: number
  /** As the program has it. */
  readonly sender: bigint
}

export type NamedSender = Pick<UnnamedSender, 'slot' | 'sender'> & Service

/** What one record of a destination knows of its own first packet. */
export interface OwnContact extends Pick<NamedDestination, 'protocol' | 'port' | 'ageMs'> {
  /** Whose packets it counts; empty: that has no name yet. */
  readonly service: string
  readonly sender: Sender
}

/** A destination of the table on its way to the memory. */
export interface Contact extends NamedDestination {
  /** Tells the records of a boot apart: CLOCK_MONOTONIC of the first packet, in ns. */
  readonly record: string
  /**
   * The record that goes on where this one leaves, and others stay: with --services a destination has one for
   * each service, and what they count is the destination's.
   */
  readonly nextRecord?: string
  readonly sender: Sender
  /** The name that was answered last before its first packet; empty: no answer led to it; absent: not known. */
  readonly askedName?: string
  /** Of the record that it was looked up for, with --services and while that is in the table. */
  readonly own?: OwnContact
}

/**
 * Contacts as the addon packs them off the main thread. Whoever needs them unpacks them; the main
 * thread only hands them on.
 */
export interface Contacts {
  readonly count: number
  /** A JSON array of Contact, in UTF-8. */
  readonly json: ArrayBuffer
  /** What tells their records apart: two numbers for each. */
  readonly keys: BigUint64Array
}

/** A part of a walk over the table that goes round and round. */
export interface Discovered extends Contacts {
  /** Records that were looked at. */
  readonly looked: number
  /** That there are; 0 where it was known that there is nothing to find. */
  readonly records: number
}

const utf8 = new TextDecoder()

export function unpack({ json }: Pick<Contacts, 'json'>): Contact[] {
  return JSON.parse(utf8.decode(json)) as Contact[]
}
