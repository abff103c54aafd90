import { contains, parsePrefix, type Prefix } from '../config/prefix.js'
import type { NamedDestination, Order, Rated, Ranking, RankQuery } from '../kernel/ranking.js'
import type { Remembered } from '../memory/rows.js'

/** A record of the kernel's table, or what it would be if it had not left for being silent. */
type Live = NamedDestination & Rated

/** A part of a list of new destinations, with what is remembered of each, and what the interfaces count. */
export interface News extends Pick<Ranking, 'matched' | 'interfaces' | 'services'> {
  readonly rows: readonly { readonly record: Live; readonly remembered: Remembered }[]
}

/**
 * Ranks what is new. The memory says which these are: one that fell silent, or whose interface is gone, has
 * left the table, and is news until somebody acknowledges it.
 *
 * @param announced at most a thousand
 */
export async function rankNews(
  source: { rank(query: RankQuery): Promise<Ranking> },
  announced: readonly Remembered[],
  query: RankQuery,
): Promise<News> {
  const known = announced.map((remembered) => ({ remembered, prefix: parsePrefix(remembered.destination) }))
  const { rows, interfaces, services } = await source.rank({
    onlyThese: known.map(({ remembered, prefix }) => ({ interface: remembered.interface, prefix })),
    ...{ order: 'destination', descending: false, offset: 0, limit: known.length },
  })
  const active = new Map(rows.map((row) => [identity(row), row]))
  const now = Date.now()
  const isWithin = query.within ? contains(query.within) : () => true
  const matching = known
    .map(({ remembered, prefix }) => {
      // What is told of the first contact is the news'; it may be one service's.
      const { firstSeenMs, protocol, port } = remembered
      const live = active.get(identity(remembered))
      const record = live ? { ...live, firstSeenMs, protocol, port } : silent(remembered, now)
      return { record, remembered, prefix, value: sortValue(query.order, record, prefix) }
    })
    .filter(
      ({ record, remembered }) =>
        isWanted(query, record) &&
        isWithin(record.destination) &&
        (query.service === undefined || query.service === remembered.service),
    )
    .sort((a, b) => compare(a.value, b.value) || a.record.bytes - b.record.bytes)
  if (query.descending) matching.reverse()
  const page = matching.slice(query.offset, query.offset + query.limit)
  return { matched: matching.length, rows: page, interfaces, services }
}

const identity = (one: Pick<Live, 'interface' | 'destination'>) => `${one.interface} ${one.destination}`

const silent = (remembered: Remembered, now: number): Live => ({
  ...remembered,
  packetsPerSecond: 0,
  bytesPerSecond: 0,
  ageMs: now - remembered.firstSeenMs,
  idleMs: now - remembered.lastSeenMs,
})

/** The order that native/query.cc has. */
function sortValue(order: Order, record: Live, { bytes }: Prefix): number | string {
  if (order === 'destination') return Buffer.from(bytes).toString('hex').padStart(32, '0')
  if (order === 'firstSeen') return record.firstSeenMs
  if (order === 'lastSeen') return record.lastSeenMs
  return record[order]
}

function compare<T extends number | string>(a: T, b: T): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

function isWanted(query: RankQuery, record: Live): boolean {
  return (
    record.destination.includes(query.search ?? '') &&
    (query.interface === undefined || record.interface === query.interface) &&
    (query.protocol === undefined || record.protocol === query.protocol) &&
    (query.port === undefined || record.port === query.port)
  )
}
