import type { Prefix } from '../config/prefix.js'

/** What an address belongs to; null: not known. */
export interface Network {
  /** What its prefix is called in a file of ranges, `aws/s3`, or its autonomous system, `AS64500`. */
  readonly network: string | null
  /** The number of its autonomous system. */
  readonly asn: number | null
  /** Whose that is, in the words of the file. */
  readonly asName: string | null
  /** ISO 3166-1 alpha-2. */
  readonly country: string | null
}

/** Of an address that no file knows. */
export const unknownNetwork: Network = { network: null, asn: null, asName: null, country: null }

/** What a file says of an address: as much of it as it has. */
export interface Finding extends Partial<Network> {
  /** Of the prefix, in bits. */
  readonly length: number
}

/** A file of networks. */
export interface NetworkFile {
  /** Where several know an address: `own` names come before `ranges` of providers, and these before a `database`. */
  readonly kind: 'own' | 'ranges' | 'database'
  readonly find: (prefix: Prefix) => Finding | undefined
}
