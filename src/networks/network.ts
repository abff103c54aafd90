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
