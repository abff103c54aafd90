// What the page shows, as HTML. The server renders it once, and the browser again with each update.
import { cellText, type Column, columnsOf, sortKeyOf } from '../../destinations/columns.js'
import type { DestinationRow, SortKey } from '../../destinations/fields.js'
import type { DestinationsList, InterfaceRow, ListQuery } from '../../destinations/list.js'
import { shortNumber } from '../../short-number.js'

/** What one page of the table holds. */
export const rowsPerPage = 50
/** So many new destinations stand on top. */
export const maxNewest = 5

/** The rates of the last minute, oldest first, by what they are of; none on the server. */
export type History = (key: string) => readonly number[]

const noHistory: History = () => []

export const destinationKey = ({ interface: iface, destination, service }: DestinationRow): string =>
  `${iface} ${destination} ${service ?? ''}`
export const interfaceKey = ({ interface: iface }: InterfaceRow): string => iface

/** Names come from the host and its peers. */
export const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)

interface PageColumn {
  readonly title: string
  readonly sort?: SortKey | undefined
  /** Numbers are aligned to the right, and sorted by the largest first. */
  readonly number?: boolean
  /** Left out where there is little room. */
  readonly wide?: boolean
  cell(row: DestinationRow, { history, now, servicesApart }: Surroundings): string
}

/** What a row is rendered with. */
interface Surroundings {
  readonly history: History
  readonly now: number
  /** Whether one can ask who sends to a destination, and where a service sends. */
  readonly servicesApart: boolean
}

const lastMinute: PageColumn = {
  title: 'Last minute',
  wide: true,
  cell: (row, { history }) => sparkline(history(destinationKey(row))),
}

const pageColumns = (rows: readonly DestinationRow[]): PageColumn[] =>
  columnsOf(rows).flatMap((column) => {
    const shown: PageColumn = {
      title: column.title,
      sort: sortKeyOf(column),
      number: ['rate', 'count', 'time'].includes(column.format),
      wide: column.wide ?? false,
      cell: (row, surroundings) => renderCell(column, row, surroundings),
    }
    return column.field === 'bytes_per_second' ? [shown, lastMinute] : [shown]
  })

function renderCell(column: Column, row: DestinationRow, { now, servicesApart }: Surroundings): string {
  const text = cellText(column, row)
  switch (column.format) {
    case 'address': {
      const address = `<span class="address">${escapeHtml(text)}</span>`
      return servicesApart ? link({ search: text, by: 'service' }, address, 'Who sends there') : address
    }
    case 'rate':
      return formatRate(Number(text))
    case 'count':
      return exact(Number(text))
    case 'time':
      return ago(text, now)
    case 'status':
      return badge(row.status, row.note)
    case 'text':
      if (servicesApart && column.field === 'service' && text !== '') return serviceLink(text)
      return `<span title="${escapeHtml(text)}">${escapeHtml(text)}</span>`
  }
}

const className = ({ number, wide }: Pick<PageColumn, 'number' | 'wide'>) =>
  [...(number ? ['number'] : []), ...(wide ? ['wide'] : [])].join(' ')

/** The head of the table; each title is a link that sorts by its column, and then the other way. */
export function renderHead(query: ListQuery, rows: readonly DestinationRow[]): string {
  const cells = pageColumns(rows).map((column) => {
    const { sort, number } = column
    const title = column.title === 'First sender' && isByService(query) ? 'Service' : column.title
    if (!sort) return `<th scope="col" class="${className(column)}">${title}</th>`
    const [first, second] = number ? [`-${sort}` as const, sort] : [sort, `-${sort}` as const]
    const current = query.sort === sort ? 'ascending' : query.sort === `-${sort}` ? 'descending' : undefined
    const next = query.sort === first ? second : first
    const sorted = current ? ` aria-sort="${current}"` : ''
    const link = `<a href="${href(query, { sort: next, offset: 0 })}">${title}</a>`
    return `<th scope="col" class="${className(column)}"${sorted}>${link}</th>`
  })
  return `<tr>${cells.join('')}</tr>`
}

/** Whether a row is of a service that sends there. */
const isByService = ({ by, service }: ListQuery) => by === 'service' || Boolean(service)

/** The rows of the table. */
export function renderRows(list: DestinationsList, history: History = noHistory): string {
  const rows = list.destinations
  const surroundings = { history, now: Date.parse(list.time), servicesApart: list.services.length > 0 }
  const columns = pageColumns(rows)
  if (rows.length === 0) return `<tr><td colspan="${columns.length}">Nothing.</td></tr>`
  return rows
    .map((row) => {
      const cells = columns.map((column, index) => {
        const cell = column.cell(row, surroundings)
        return index === 0 ? `<th scope="row">${cell}</th>` : `<td class="${className(column)}">${cell}</td>`
      })
      return `<tr class="${row.status ?? ''}">${cells.join('')}</tr>`
    })
    .join('')
}

/** Which part of the list is shown, and the way to the others. */
export function renderPager(list: DestinationsList, query: ListQuery): string {
  const last = Math.min(list.offset + list.destinations.length, list.matched)
  const from = list.destinations.length === 0 ? 0 : list.offset + 1
  const of = list.matched === list.total ? '' : ` that match, of ${exact(list.total)}`
  const to = (offset: number, label: string, possible: boolean) =>
    possible
      ? `<a href="${href(query, { offset })}">${label}</a>`
      : `<span aria-disabled="true">${label}</span>`
  return [
    `<p>${exact(from)}–${exact(last)} of ${exact(list.matched)}${of}</p>`,
    to(Math.max(0, query.offset - query.limit), 'Previous', query.offset > 0),
    to(query.offset + query.limit, 'Next', last < list.matched),
  ].join('')
}

/** Where all of it went, by interface: the table's destinations, and what has no row of its own. */
export function renderInterfaces(interfaces: readonly InterfaceRow[], history: History = noHistory): string {
  const reasons = Object.keys(interfaces[0]?.unlisted ?? {})
  const head = ['Interface', 'Packets/s', 'Bytes/s', 'Last minute', 'Packets', 'Bytes', 'Destinations']
  const wide = new Set(['Last minute', 'Packets/s'])
  const th = (title: string) =>
    `<th scope="col" class="${className({
      ...(title !== 'Interface' && title !== 'Last minute' && { number: true }),
      ...(wide.has(title) && { wide: true }),
    })}">${title}</th>`
  const rows = interfaces.map((row) => {
    const numbers = [exact(row.packets), exact(row.bytes), exact(row.destinations)]
    const unlisted = reasons.map((reason) => exact(row.unlisted[reason]?.packets ?? 0))
    return `<tr><th scope="row">${escapeHtml(row.interface)}</th>
<td class="number wide">${formatRate(row.packets_per_second)}</td>
<td class="number">${formatRate(row.bytes_per_second)}</td>
<td class="wide">${sparkline(history(interfaceKey(row)))}</td>
${[...numbers, ...unlisted].map((cell) => `<td class="number">${cell}</td>`).join('')}</tr>`
  })
  return `<thead><tr>${[...head, ...reasons.map((reason) => reason.replace('_', ' '))].map(th).join('')}</tr></thead>
<tbody>${rows.join('')}</tbody>`
}

/** Who sends most now; nothing where services are not told apart. */
export function renderServices({ services, interfaces }: DestinationsList): string {
  if (services.length === 0) return ''
  const all = interfaces.reduce((sum, row) => sum + row.bytes_per_second, 0)
  const head = ['Packets/s', 'Bytes/s', 'Share', 'Packets', 'Bytes', 'Destinations']
  const rows = services.map((row) => {
    const cells = [
      formatRate(row.packets_per_second),
      formatRate(row.bytes_per_second),
      all === 0 ? '' : `${Math.round((100 * row.bytes_per_second) / all)} %`,
      ...[row.packets, row.bytes, row.destinations].map(exact),
    ]
    const numbers = cells.map((cell, index) => `<td class="number${index === 0 ? ' wide' : ''}">${cell}</td>`)
    return `<tr><th scope="row">${serviceLink(row.service)}</th>${numbers.join('')}</tr>`
  })
  const titles = head.map(
    (title, index) => `<th scope="col" class="number${index === 0 ? ' wide' : ''}">${title}</th>`,
  )
  return `<thead><tr><th scope="col">Service</th>${titles.join('')}</tr></thead><tbody>${rows.join('')}</tbody>`
}

/** What nobody has acknowledged. */
export function renderNewest(list: DestinationsList, now: number): string {
  if (Date.parse(list.baseline_end) > now) {
    return `<p>Learning until ${time(list.baseline_end)}: destinations are remembered, and none is called new.</p>`
  }
  if (list.unacknowledged === 0) return '<p>Nothing new.</p>'
  const items = list.destinations.map(
    (row) =>
      `<li><span class="address">${escapeHtml(row.destination)}</span> on ${escapeHtml(row.interface)}, ${escapeHtml(row.protocol)}${row.port === null ? '' : ` ${row.port}`}${sender(row.service)}${asked(row.name)}${owner(row)}, ${ago(row.first_seen, now)} ago</li>`,
  )
  const rest = list.unacknowledged > items.length ? ', some of them here' : ''
  return `<p><strong>${exact(list.unacknowledged)}</strong> never seen before and not acknowledged${rest}
(<a href="?status=new&amp;sort=-first_seen">show</a>):</p><ul>${items.join('')}</ul>`
}

const asked = (name: string | null) =>
  name === null ? '' : name === '' ? ', a bare address' : `, asked for as ${escapeHtml(name)}`
const owner = ({ network, novelty }: DestinationRow) =>
  network === null ? '' : `, of ${escapeHtml(network)}${novelty === 'network' ? ', which is new' : ''}`
const sender = (service: string | null) => (service === null ? '' : `, first by ${escapeHtml(service)}`)

const link = (query: Partial<ListQuery>, html: string, title: string) =>
  `<a href="${href({ ...usual, ...query })}" title="${escapeHtml(title)}">${html}</a>`
const serviceLink = (service: string) => link({ service }, escapeHtml(service), `Where ${service} sends`)

const usual = { sort: '-bytes_per_second', offset: 0, limit: rowsPerPage } as const

/** The page's address with a query; what is as usual is left out. */
function href(query: ListQuery, changes: Partial<ListQuery> = {}): string {
  const parameters = Object.entries({ ...query, ...changes }).filter(
    ([name, value]) =>
      name !== 'limit' &&
      value !== '' &&
      !(name === 'offset' && value === 0) &&
      !(name === 'sort' && value === '-bytes_per_second'),
  )
  return escapeHtml(
    `?${new URLSearchParams(parameters.map(([name, value]) => [name, String(value)])).toString()}`,
  )
}

const formatRate = (rate: number): string =>
  rate === 0 ? '<span class="zero">0</span>' : shortNumber(rate, ' ')

/** All digits, in groups. */
const exact = (count: number): string => count.toLocaleString('en-US')

function badge(status: DestinationRow['status'], note: string | null): string {
  const known = note === null ? '' : `<span class="note"> ${escapeHtml(note)}</span>`
  return `<span class="badge">${status ?? 'unknown'}</span>${known}`
}

const time = (iso: string) => `<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')} UTC</time>`

/** How long ago, with the time itself where somebody points at it. */
function ago(iso: string, now: number): string {
  const seconds = Math.max(0, (now - Date.parse(iso)) / 1000)
  const spans = [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'min'],
  ] as const
  const span = spans.find(([length]) => seconds >= length)
  const text = span ? `${Math.floor(seconds / span[0])} ${span[1]}` : `${Math.floor(seconds)} s`
  return `<time datetime="${iso}" title="${iso}">${text}</time>`
}

/** As a line, scaled to its own most. */
function sparkline(rates: readonly number[]): string {
  if (rates.length < 2) return ''
  const most = Math.max(...rates, 1)
  // The newest is at the right end, as wide as a minute of seconds is.
  const from = 120 - 2 * rates.length
  const points = rates.map((rate, index) => `${from + index * 2},${(18 - (rate / most) * 16).toFixed(1)}`)
  return `<svg viewBox="0 0 120 20" role="img" aria-label="Bytes a second, at most ${most.toFixed(0)}"><polyline points="${points.join(' ')}"/></svg>`
}
