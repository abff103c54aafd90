import type { SortKey } from '../destinations/fields.js'

/** What a list can be sorted by here, in the order in which `s` goes through it. */
export const sortKeys: readonly SortKey[] = [
  'bytes_per_second',
  'packets_per_second',
  'bytes',
  'packets',
  'first_seen',
  'destination',
]
