import type { NamedDestination } from './ranking.js'

/** A destination of the table on its way to the memory. */
export interface Contact extends NamedDestination {
  /** Tells the records of a boot apart: CLOCK_MONOTONIC of the first packet, in ns. */
  readonly record: string
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
