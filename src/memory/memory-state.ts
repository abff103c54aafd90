import type { Remembered } from './rows.js'

/** What became of the events that the audit log tells of. */
export interface AuditState {
  /** Written by this process. */
  readonly written: number
  /** In the memory, and still to be written. */
  readonly pending: number
  /** Given up by this process, since more were pending than there is room for. */
  readonly lost: number
  /** Whether the file takes none now. */
  readonly failing: boolean
}

/** What the memory says of itself. */
export interface MemoryState {
  readonly baselineEndMs: number
  /** Destinations never seen before, after the baseline, by interface. */
  readonly newDestinations: ReadonlyMap<string, number>
  /** The oldest of those that nobody has acknowledged. */
  readonly announced: readonly Remembered[]
  /** How many nobody has acknowledged. */
  readonly unacknowledged: number
  /** Whether something is remembered only as long as the process runs, although it should be longer. */
  readonly degraded: boolean
  readonly audit: AuditState
  /** Files of networks that could not be read when they changed last. */
  readonly networkFilesFailed: number
}

/** Of a memory that nothing is known of. */
export const unknownYet: MemoryState = {
  baselineEndMs: 0,
  newDestinations: new Map(),
  announced: [],
  unacknowledged: 0,
  degraded: false,
  audit: { written: 0, pending: 0, lost: 0, failing: false },
  networkFilesFailed: 0,
}
