import { type Prefix, parsePrefix } from '../config/prefix.js'
import type { Remembered, Status } from './store.js'

/** Which destinations are meant; what is absent leaves nothing out. */
export interface Selection {
  readonly status?: Status
  readonly interface?: string
  /** Those that lie within one of these. */
  readonly within?: readonly Prefix[]
  /** Those first seen at this time or later, in ms since the Unix epoch. */
  readonly firstSeenFromMs?: number
}

export function select(rows: readonly Remembered[], selection: Selection): Remembered[] {
  const { status, interface: iface, within, firstSeenFromMs = -Infinity } = selection
  return rows.filter(
    (row) =>
      (status === undefined || row.status === status) &&
      (iface === undefined || row.interface === iface) &&
      row.firstSeenMs >= firstSeenFromMs &&
      (within === undefined || liesWithin(parsePrefix(row.destination), within)),
  )
}

function liesWithin(inner: Prefix, prefixes: readonly Prefix[]): boolean {
  return prefixes.some(
    (outer) =>
      inner.bytes.length === outer.bytes.length &&
      inner.length >= outer.length &&
      firstBits(inner.bytes, outer.length) === firstBits(outer.bytes, outer.length),
  )
}

function firstBits(bytes: Uint8Array, length: number): string {
  return [...bytes]
    .map((byte) => byte.toString(2).padStart(8, '0'))
    .join('')
    .slice(0, length)
}
