/** One scrape's walk over a page of metric text. */
export interface NativePageReader {
  /** When the maps were read, CLOCK_MONOTONIC. */
  readonly readNs: bigint
  /** Bytes in the buffer of the read. */
  readonly filled: number
  /** Whether there is no more to fill; not while fill() is under way. */
  readonly ended: boolean
  /** Fills the buffer with whole lines off the main thread; returns how many bytes. */
  fill(buffer: Uint8Array): Promise<number>
  /** Lets go of the page, whose memory others use again. Idempotent. */
  close(): void
}
