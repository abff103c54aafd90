import type { Remembered } from '../memory/rows.js'
import { escapeControls } from '../terminal.js'
import { columns, tableFields } from './columns.js'
import { rememberedRow, type RememberedRow, storedFields } from './fields.js'

type Print = (line: string) => void

/**
 * Prints what is remembered, row by row, since there may be a million: as a table, unless it is to be
 * JSON or CSV (RFC 4180).
 *
 * @param rows the table reads them twice
 */
export function printRows(
  rows: () => Iterable<Remembered>,
  { json, csv }: { readonly json?: true; readonly csv?: true },
  print: Print,
): void {
  if (json) printJson(rows(), print)
  else if (csv) printCsv(rows(), print)
  else printTable(rows, print)
}

/** As JSON.stringify has an array, indented by 2. */
function printJson(rows: Iterable<Remembered>, print: Print): void {
  let before = '['
  for (const row of rows) {
    if (before !== '[') before += ','
    print(before)
    before = JSON.stringify(rememberedRow(row), undefined, 2).replaceAll(/^/gm, '  ')
  }
  if (before === '[') print('[]')
  else [before, ']'].forEach(print)
}

function printCsv(rows: Iterable<Remembered>, print: Print): void {
  print(storedFields.join(','))
  for (const row of rows) print(cells(row, storedFields).map(quote).join(','))
}

/** RFC 4180, and a quote before what a spreadsheet would take for a formula. */
function quote(cell: string): string {
  const safe = /^[=+\-@]/.test(cell) ? `'${cell}` : cell
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** Reads the rows twice: first how wide they are. */
function printTable(rows: () => Iterable<Remembered>, print: Print): void {
  const headings = tableFields.map((name) => name.replace('_', ' '))
  const widths = headings.map(() => 0)
  let empty = true
  for (const row of rows()) {
    empty = false
    tableCells(row).forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, cell.length)))
  }
  const isShown = headings.map((_, index) => !isOptional[index] || widths[index] !== 0)
  headings.forEach((heading, index) => (widths[index] = Math.max(widths[index] ?? 0, heading.length)))
  if (empty) {
    print('no destinations')
    return
  }
  const printLine = (line: readonly string[]) => {
    const padded = line.map((cell, index) => {
      const width = widths[index] ?? 0
      return isCount[index] ? cell.padStart(width) : cell.padEnd(width)
    })
    print(
      padded
        .filter((_, index) => isShown[index])
        .join('  ')
        .trimEnd(),
    )
  }
  printLine(headings)
  for (const row of rows()) printLine(tableCells(row))
}

const isCount = tableFields.map((name) =>
  columns.some(({ field, format }) => field === name && format === 'count'),
)

const isOptional = tableFields.map((name) =>
  columns.some(({ field, optional }) => field === name && optional),
)

/** Whole seconds will do in a table, and a cell is one line. */
function tableCells(row: Remembered): string[] {
  return cells(row, tableFields).map((cell) =>
    escapeControls(cell.replace(/^(\S+)T(\S+)\.\d{3}Z$/, '$1 $2Z')),
  )
}

function cells(remembered: Remembered, names: readonly (keyof RememberedRow)[]): string[] {
  const row = rememberedRow(remembered)
  return names.map((name) => String(row[name] ?? ''))
}
