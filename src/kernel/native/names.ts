/** What became of answers, since the beginning. */
export interface AnswerCounts {
  /** That led to addresses, by where they were seen. */
  readonly dns: number
  readonly resolved: number
  /** Dropped, and why. */
  readonly malformed: number
  readonly truncated: number
  readonly name: number
  readonly overflow: number
}

/** The names that led to addresses, from answers that others asked for. */
export interface NativeNames {
  /** Reads answers off the wire from now on, off the main thread; throws a NativeError, EPERM without CAP_NET_RAW. */
  listen(): void
  /** On these interfaces, and on the loopback interface. */
  choose(ifindexes: readonly number[]): void
  /** From now on what has no name is a bare address; before, that is not known. */
  begin(): void
  /** From now on it is not known again. */
  end(): void
  /** Takes an answer that systemd-resolved told of, as it would be on the wire. */
  takeResolved(message: Uint8Array): void
  /** Counts what it told and cannot be read. */
  countMalformed(): void
  state(): AnswerCounts
  /** Idempotent. */
  close(): void
}
