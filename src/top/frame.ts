import { styleText } from 'node:util'
import { cellText, type Column, columnsOf, type Format, sortKeyOf } from '../destinations/columns.js'
import type { DestinationRow, SortKey } from '../destinations/fields.js'
import type { DestinationsList, ListQuery } from '../destinations/list.js'
import { shortNumber } from '../short-number.js'

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

interface TerminalColumn {
  readonly title: string
  readonly sort: SortKey | undefined
  readonly width: number
  readonly spare: number
  /** Aligned to the right. */
  readonly number: boolean
  cell(row: DestinationRow): string
}

function terminalColumn(column: Column): TerminalColumn[] {
  const { title, format, terminal } = column
  if (!terminal) return []
  const shown = {
    ...terminal,
    title: (terminal.title ?? title).toUpperCase().replace('/S', '/s'),
    sort: sortKeyOf(column),
    number: format === 'rate' || format === 'count',
    cell: (row: DestinationRow) => renderCell(format, cellText(column, row)),
  }
  return [shown]
}

function renderCell(format: Format, text: string): string {
  if (format === 'rate') return shortNumber(Number(text))
  return format === 'time' ? text.slice(0, 19).replace('T', ' ') : text
}

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
function chooseColumns(list: DestinationsList, width: number): TerminalColumn[] {
  const sized = columnsOf(list.destinations)
    .flatMap(terminalColumn)
    .map((column) => ({
      ...column,
      width: Math.max(column.width, ...list.destinations.map((row) => column.cell(row).length)),
    }))
  const needed = (chosen: readonly TerminalColumn[]) =>
    chosen.reduce((sum, column) => sum + column.width + 1, -1)
  let chosen = sized
  for (let spare = 6; spare > 0 && needed(chosen) > width; spare--) {
    chosen = chosen.filter((column) => column.spare < spare)
  }
  return chosen
}

function renderHead(shown: readonly TerminalColumn[], { sort }: ListQuery): string {
  return shown
    .map((column) => {
      const mark = sort === `-${column.sort}` ? '▼' : sort === column.sort ? '▲' : ''
      return pad(`${column.title}${mark}`, column)
    })
    .join(' ')
}

const renderRow = (shown: readonly TerminalColumn[], row: DestinationRow): string =>
  shown.map((column) => pad(printable(column.cell(row)), column)).join(' ')

/** A name may hold anything, and a terminal obeys some of it. */
const printable = (text: string) => text.replaceAll(/[^\x20-\x7e]/g, '?')

const pad = (text: string, { width, number }: TerminalColumn): string =>
  number ? text.padStart(width) : text.padEnd(width)
