// How people see the fields: on the page, in `top`, and in the command line's table. Also runs in the browser.
import { type DestinationRow, fields, type RememberedRow, type SortKey } from './fields.js'

/** What a cell is; the page and the terminal each know how to write it. */
export type Format = 'address' | 'text' | 'rate' | 'count' | 'time' | 'status'

export interface Column {
  readonly field: keyof DestinationRow
  readonly title: string
  readonly format: Format
  /** What the cell says, where that is not the field alone. */
  readonly text?: (row: DestinationRow) => string
  /** The page leaves it out where there is little room. */
  readonly wide?: true
  /** Left out where no row has it: not everybody has names, or files of networks. */
  readonly optional?: true
  /** In a terminal; absent: not there. */
  readonly terminal?: {
    readonly title?: string
    /** In characters, at least. */
    readonly width: number
    /** Where there is little room, those with the highest go first. */
    readonly spare: number
  }
}

/** In this order. */
export const columns: readonly Column[] = [
  { field: 'destination', title: 'Destination', format: 'address', terminal: { width: 16, spare: 0 } },
  {
    field: 'interface',
    title: 'Interface',
    format: 'text',
    wide: true,
    terminal: { width: 9, spare: 3 },
  },
  {
    field: 'port',
    title: 'First contact',
    format: 'text',
    text: ({ protocol, port }) => (port === null ? protocol : `${protocol} ${port}`),
    terminal: { title: 'First', width: 10, spare: 2 },
  },
  {
    field: 'service',
    title: 'First sender',
    format: 'text',
    wide: true,
    terminal: { title: 'Sender', width: 18, spare: 3 },
  },
  {
    field: 'name',
    title: 'Name',
    format: 'text',
    wide: true,
    optional: true,
    terminal: { width: 20, spare: 4 },
  },
  {
    field: 'network',
    title: 'Network',
    format: 'text',
    text: ({ network, as_name, country }) =>
      [network, network?.startsWith('AS') ? as_name : null, country].filter(Boolean).join(' '),
    wide: true,
    optional: true,
    terminal: { width: 12, spare: 4 },
  },
  {
    field: 'packets_per_second',
    title: 'Packets/s',
    format: 'rate',
    wide: true,
    terminal: { width: 9, spare: 1 },
  },
  { field: 'bytes_per_second', title: 'Bytes/s', format: 'rate', terminal: { width: 8, spare: 0 } },
  { field: 'packets', title: 'Packets', format: 'count', wide: true, terminal: { width: 12, spare: 5 } },
  { field: 'bytes', title: 'Bytes', format: 'count', wide: true, terminal: { width: 14, spare: 4 } },
  { field: 'first_seen', title: 'First seen', format: 'time', wide: true, terminal: { width: 19, spare: 6 } },
  { field: 'last_seen', title: 'Last seen', format: 'time', wide: true },
  { field: 'status', title: 'Status', format: 'status', terminal: { width: 12, spare: 2 } },
]

/** What a list can be sorted by to sort it by this column; undefined: by nothing. */
export const sortKeyOf = ({ field }: Column): SortKey | undefined =>
  'order' in fields[field] ? (field as SortKey) : undefined

/** What a cell says, before it is written as its format wants. */
export const cellText = ({ field, text }: Column, row: DestinationRow): string =>
  text ? text(row) : String(row[field] ?? '')

/** The columns of these rows. */
export const columnsOf = (rows: readonly DestinationRow[]): Column[] =>
  columns.filter((column) => !column.optional || rows.some((row) => cellText(column, row) !== ''))

/** What the command line's table shows of the memory: what people look at first, since lines are short. */
export const tableFields: readonly (keyof RememberedRow)[] = [
  ...(['destination', 'interface', 'protocol', 'port', 'service', 'name', 'network', 'status'] as const),
  ...(['first_seen', 'last_seen', 'packets', 'bytes', 'note'] as const),
]
