import { styleText } from 'node:util'
import { shortNumber } from '../short-number.js'
import type { DestinationRow, DestinationsList, ListQuery, SortKey } from '../web/destinations.js'

/** What a frame is made for. */
export interface Shape {
  readonly columns: number
  readonly rows: number
  readonly colours: boolean
}

/** What is asked for, beside the query. */
export interface View {
  readonly source: string
  readonly query: ListQuery
  readonly paused: boolean
  /** What is being typed after `/`. */
  readonly typing: string | undefined
  /** Why the numbers are old. */
  readonly problem: string | undefined
}

interface Column {
  readonly title: string
  readonly sort?: SortKey
  readonly width: number
  readonly number?: true
  /** Those with the highest go first where there is little room. */
  readonly spare: number
  cell(row: DestinationRow): string
}

const columns: readonly Column[] = [
  { title: 'DESTINATION', sort: 'destination', width: 16, spare: 0, cell: (row) => row.destination },
  { title: 'INTERFACE', sort: 'interface', width: 9, spare: 3, cell: (row) => row.interface },
  {
    title: 'FIRST',
    sort: 'port',
    width: 10,
    spare: 2,
    cell: ({ protocol, port }) => [protocol, port ?? ''].join(' '),
  },
  {
    title: 'PACKETS/s',
    sort: 'packets_per_second',
    width: 9,
    number: true,
    spare: 1,
    cell: (row) => shortNumber(row.packets_per_second),
  },
  {
    title: 'BYTES/s',
    sort: 'bytes_per_second',
    width: 8,
    number: true,
    spare: 0,
    cell: (row) => shortNumber(row.bytes_per_second),
  },
  {
    title: 'PACKETS',
    sort: 'packets',
    width: 12,
    number: true,
    spare: 5,
    cell: (row) => String(row.packets),
  },
  { title: 'BYTES', sort: 'bytes', width: 14, number: true, spare: 4, cell: (row) => String(row.bytes) },
  {
    title: 'FIRST SEEN',
    sort: 'first_seen',
    width: 19,
    spare: 6,
    cell: (row) => row.first_seen.slice(0, 19).replace('T', ' '),
  },
  { title: 'STATUS', width: 12, spare: 2, cell: (row) => row.status ?? '' },
]

/** The keys that a list can be sorted by here, in the order in which `s` goes through them. */
export const sortKeys: readonly SortKey[] = [
  'bytes_per_second',
  'packets_per_second',
  'bytes',
  'packets',
  'first_seen',
  'destination',
]

const headLines = 4

/** How many rows of destinations fit. */
export const rowsThatFit = ({ rows }: Pick<Shape, 'rows'>): number => Math.max(1, rows - headLines)

/** A screenful of lines, none longer than the screen is wide. */
export function renderFrame(list: DestinationsList, view: View, shape: Shape): string[] {
  const style = (format: Parameters<typeof styleText>[0], text: string) =>
    shape.colours ? styleText(format, text, { validateStream: false }) : text
  const fit = (text: string) => text.slice(0, shape.columns)
  const { query, typing, problem, paused } = view
  const total = (key: 'packets_per_second' | 'bytes_per_second') =>
    shortNumber(list.interfaces.reduce((sum, row) => sum + row[key], 0))
  const wanted = [
    ...(typing !== undefined ? [`search: ${typing}_`] : query.search ? [`search: ${query.search}`] : []),
    ...(query.interface ? [`interface: ${query.interface}`] : []),
    ...(query.status ? ['only new'] : []),
    ...(paused ? ['paused'] : []),
  ]
  const count =
    list.matched === list.total
      ? `${list.total} destinations`
      : `${list.matched} of ${list.total} destinations`
  const fresh = list.unacknowledged > 0 ? `, ${list.unacknowledged} new` : ''
  const shown = chooseColumns(list, shape.columns)
  const lines = [
    style(
      'bold',
      fit(
        `${list.time.slice(11, 19)} UTC  ${total('bytes_per_second')} bytes/s  ${total('packets_per_second')} packets/s  ${count}${fresh}  (${view.source})`,
      ),
    ),
    problem === undefined
      ? fit([...wanted, 's sort  r reverse  / search  i interface  n new  space pause  q quit'].join('  |  '))
      : style('red', fit(problem)),
    '',
    style('inverse', renderHead(shown, query).padEnd(shape.columns).slice(0, shape.columns)),
  ]
  const rows = list.destinations
    .slice(0, rowsThatFit(shape))
    .map((row) =>
      row.status === 'new' ? style('yellow', fit(renderRow(shown, row))) : fit(renderRow(shown, row)),
    )
  return [...lines, ...rows]
}

/** The table alone, as wide as it is. */
export function renderTable(list: DestinationsList, query: ListQuery): string[] {
  const shown = chooseColumns(list, Infinity)
  return [renderHead(shown, query), ...list.destinations.map((row) => renderRow(shown, row))].map((line) =>
    line.trimEnd(),
  )
}

/** What was sent to in the last second, a line each, for a pipe. */
export function renderLines(list: DestinationsList): string[] {
  return list.destinations
    .filter((row) => row.packets_per_second > 0)
    .map((row) => {
      const contact = row.port === null ? row.protocol : `${row.protocol}/${row.port}`
      return `${list.time} ${row.interface} ${row.destination} ${contact} ${row.packets_per_second} packets/s ${row.bytes_per_second} bytes/s`
    })
}

/** As many as fit, each as wide as its cells need. */
function chooseColumns(list: DestinationsList, width: number): Column[] {
  const sized = columns.map((column) => ({
    ...column,
    width: Math.max(column.width, ...list.destinations.map((row) => column.cell(row).length)),
  }))
  const needed = (chosen: readonly Column[]) => chosen.reduce((sum, column) => sum + column.width + 1, -1)
  let chosen = sized
  for (let spare = 6; spare > 0 && needed(chosen) > width; spare--) {
    chosen = chosen.filter((column) => column.spare < spare)
  }
  return chosen
}

function renderHead(shown: readonly Column[], { sort }: ListQuery): string {
  return shown
    .map((column) => {
      const mark = sort === `-${column.sort}` ? '▼' : sort === column.sort ? '▲' : ''
      return pad(`${column.title}${mark}`, column)
    })
    .join(' ')
}

const renderRow = (shown: readonly Column[], row: DestinationRow): string =>
  shown.map((column) => pad(printable(column.cell(row)), column)).join(' ')

/** A name may hold anything, and a terminal obeys some of it. */
const printable = (text: string) => text.replaceAll(/[^\x20-\x7e]/g, '?')

const pad = (text: string, { width, number }: Column): string =>
  number ? text.padStart(width) : text.padEnd(width)
