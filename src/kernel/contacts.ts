/** A destination of the table as it is now, under the names that users have for it. */
export interface Contact {
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
