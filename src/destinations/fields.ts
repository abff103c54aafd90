// What is known of a destination: the catalogue from which the API and its schema, the page, `top`,
// the command line and CSV come. Also runs in the browser.
import type { NamedDestination, Order, Rated } from '../kernel/ranking.js'
import { novelties, type Remembered } from '../memory/rows.js'
import { protocolName } from '../protocols.js'

/** A record of the kernel's table, and how fast it grows; with its service where a row is of one. */
type Live = NamedDestination & Rated & { readonly service?: string | null }

interface Field {
  /** JSON Schema; `$defs` are those of docs/api.schema.json. */
  readonly schema: Readonly<Record<string, unknown>>
  /** In lists of the table; absent: not there. Nothing is remembered where the memory cannot be read. */
  readonly live?: (record: Live, remembered: Remembered | undefined) => unknown
  /** In lists of the memory; absent: not there. */
  readonly stored?: (remembered: Remembered) => unknown
  /** Lists of the table can be sorted by it: its native name. */
  readonly order?: Order
}

/** Of what table and memory both have. */
const both = <T>(get: (row: Live | Remembered) => T) => ({ live: get, stored: get })
/** Of what the memory alone has, also in lists of the table; null: nothing is remembered, or it cannot be read. */
const remembered = <T>(get: (one: Remembered) => T) => ({
  live: (_record: Live, one: Remembered | undefined) => (one ? get(one) : null),
  stored: get,
})

const time = (ms: number) => new Date(ms).toISOString()
/** To a tenth. */
export const rounded = (rate: number) => Math.round(rate * 10) / 10

/** By name, in the order that programs get them in; times in ISO 8601. */
export const fields = {
  interface: {
    schema: { type: 'string' },
    ...both((row) => row.interface),
    order: 'interface',
  },
  destination: {
    schema: {
      description: 'An IPv4 or IPv6 address, or a CIDR prefix where destinations are aggregated.',
      type: 'string',
    },
    ...both((row) => row.destination),
    order: 'destination',
  },
  protocol: {
    schema: {
      description: 'IP protocol of the first packet, by name where it has a common one, else its number.',
      type: 'string',
    },
    ...both((row) => protocolName(row.protocol)),
    order: 'protocol',
  },
  port: {
    schema: {
      description: 'Destination port of the first packet; null: none.',
      type: ['integer', 'null'],
      minimum: 1,
      maximum: 65535,
    },
    ...both((row) => (row.port === 0 ? null : row.port)),
    order: 'port',
  },
  status: {
    schema: {
      description: 'null: the memory cannot be read, or nothing is remembered.',
      enum: ['baseline', 'new', 'acknowledged', 'expected', null],
    },
    ...remembered((one) => one.status),
  },
  packets_per_second: {
    schema: { $ref: '#/$defs/rate' },
    live: (record) => rounded(record.packetsPerSecond),
    order: 'packetsPerSecond',
  },
  bytes_per_second: {
    schema: { $ref: '#/$defs/rate' },
    live: (record) => rounded(record.bytesPerSecond),
    order: 'bytesPerSecond',
  },
  first_seen: {
    schema: {
      description: 'As egress_destination_first_seen_timestamp_seconds, UTC.',
      type: 'string',
      format: 'date-time',
    },
    ...both((row) => time(row.firstSeenMs)),
    order: 'firstSeen',
  },
  last_seen: {
    schema: { description: 'To about a second, UTC.', type: 'string', format: 'date-time' },
    // The table is looked at once a second: what has just come was not found active yet.
    live: (record) => time(Math.max(record.firstSeenMs, record.lastSeenMs)),
    stored: (remembered) => time(remembered.lastSeenMs),
    order: 'lastSeen',
  },
  packets: {
    schema: { description: 'As egress_packets_total.', $ref: '#/$defs/count' },
    ...both((row) => row.packets),
    order: 'packets',
  },
  bytes: {
    schema: { description: 'As egress_bytes_total.', $ref: '#/$defs/count' },
    ...both((row) => row.bytes),
    order: 'bytes',
  },
  acknowledged: {
    schema: { type: ['string', 'null'], format: 'date-time' },
    stored: ({ acknowledgedMs }) => (acknowledgedMs === null ? null : time(acknowledgedMs)),
  },
  note: {
    schema: { description: 'Of its acknowledgement.', type: ['string', 'null'] },
    ...remembered((one) => one.note),
  },
  service: {
    schema: {
      description:
        'Who sent the first packet, or in rows by service all of them, by the names of docs/services.md; null: not known.',
      type: ['string', 'null'],
    },
    live: (record: Live, one: Remembered | undefined) => record.service ?? one?.service ?? null,
    stored: (one: Remembered) => one.service,
  },
  uid: {
    schema: {
      description: 'The user of the socket that sent the first packet; null: it had none that is known.',
      type: ['integer', 'null'],
      minimum: 0,
    },
    ...remembered((one) => one.uid),
  },
  network: {
    schema: {
      description: 'What the address belongs to, as docs/networks.md has it; null: not known.',
      type: ['string', 'null'],
    },
    ...remembered((one) => one.network),
  },
  asn: {
    schema: {
      description: 'The number of its autonomous system; null: not known.',
      type: ['integer', 'null'],
      minimum: 1,
    },
    ...remembered((one) => one.asn),
  },
  as_name: {
    schema: { description: 'Whose that is; null: not known.', type: ['string', 'null'] },
    ...remembered((one) => one.asName),
  },
  country: {
    schema: {
      description: 'ISO 3166-1 alpha-2; null: not known.',
      type: ['string', 'null'],
      pattern: '^[A-Z]{2}$',
    },
    ...remembered((one) => one.country),
  },
  novelty: {
    schema: {
      description:
        'What is new with the first contact: network (or an address of none that is known), address, of a known network, or only the service that sends there; null: not known.',
      enum: [...novelties, null],
    },
    ...remembered((one) => one.novelty),
  },
  name: {
    schema: {
      description:
        'The name that led to the address before the first packet, as docs/names.md has it; empty: none did, it is a bare address; null: not known.',
      type: ['string', 'null'],
      maxLength: 253,
      pattern: '^[a-z0-9._-]*$',
    },
    ...remembered((one) => one.name),
  },
} as const satisfies Readonly<Record<string, Field>>

type Fields = typeof fields
type Row<From extends 'live' | 'stored'> = {
  readonly [
    Name in keyof Fields as Fields[Name] extends Record<From, unknown> ? Name : never
  ]: Fields[Name] extends Record<From, (...from: never[]) => infer Value> ? Value : never
}

/** A row of a list of the table. */
export type DestinationRow = Row<'live'>
/** A row of a list of the memory. */
export type RememberedRow = Row<'stored'>
/** What lists of the table can be sorted by. */
export type SortKey = {
  [Name in keyof Fields]: Fields[Name] extends { order: Order } ? Name : never
}[keyof Fields]

const entries: readonly (readonly [string, Field])[] = Object.entries(fields)
const namesWith = (key: keyof Field) => entries.filter(([, field]) => field[key]).map(([name]) => name)

export const sortKeys = namesWith('order') as readonly SortKey[]
export const storedFields = namesWith('stored') as readonly (keyof RememberedRow)[]

/** @param remembered undefined: the memory does not have it, or cannot be read */
export function destinationRow(record: Live, remembered: Remembered | undefined): DestinationRow {
  const values = entries.flatMap(([name, { live }]) => (live ? [[name, live(record, remembered)]] : []))
  return Object.fromEntries(values) as DestinationRow
}

export function rememberedRow(remembered: Remembered): RememberedRow {
  const values = entries.flatMap(([name, { stored }]) => (stored ? [[name, stored(remembered)]] : []))
  return Object.fromEntries(values) as RememberedRow
}
