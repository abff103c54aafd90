/** A folder of pins on a BPF file system. */
export interface PinFolder {
  readonly path: string
  /** What is pinned there, such as "v1/destinations". */
  readonly pins: readonly string[]
  /** The process that uses it; absent: none. */
  readonly holder?: number
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
