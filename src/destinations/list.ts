import { canonicalAddress, parsePrefix, type Prefix } from '../config/prefix.js'
import type { CountedInterface, CountedService, Rated, Ranking, RankQuery } from '../kernel/ranking.js'
import type { MemoryState } from '../memory/memory-state.js'
import type { Remembered } from '../memory/rows.js'
import { protocolNumber } from '../protocols.js'
import { rankNews } from './news.js'
import { destinationRow, type DestinationRow, fields, rounded, type SortKey } from './fields.js'

/** A host has a thousand, and nobody reads more at once. */
const maxServices = 20

/** What knows the destinations. */
export interface DestinationsSource {
  readonly state: MemoryState
  catchUp(): Promise<void>
  rank(query: RankQuery): Promise<Ranking>
  /** What is remembered of each; undefined where nothing is, or it cannot be told now. */
  describe(
    keys: readonly Pick<Remembered, 'interface' | 'destination'>[],
  ): Promise<(Remembered | undefined)[]>
}

/** A query; docs/api.md describes it. */
export interface ListQuery {
  readonly sort: SortKey | `-${SortKey}`
  /** A part of an address, or a prefix in CIDR notation. */
  readonly search?: string
  readonly interface?: string
  readonly status?: 'new' | ''
  readonly protocol?: string
  readonly port?: number
  /** Only what this service sends, with its own counts. */
  readonly service?: string
  /** What a row is of: a destination, or a service that sends there. */
  readonly by?: 'destination' | 'service'
  readonly limit: number
  readonly offset: number
}

export interface InterfaceRow extends Omit<CountedInterface, keyof Rated> {
  readonly packets_per_second: number
  readonly bytes_per_second: number
}

export interface ServiceRow extends Omit<CountedService, keyof Rated> {
  readonly packets_per_second: number
  readonly bytes_per_second: number
}

/** The answer; docs/api.schema.json is its schema. */
export interface DestinationsList {
  readonly time: string
  /** Of a new memory: until when nothing is announced as new. */
  readonly baseline_end: string
  /** New ones that nobody has acknowledged, in the memory. */
  readonly unacknowledged: number
  /** In the table. */
  readonly total: number
  /** Of these, as the query wants. */
  readonly matched: number
  readonly offset: number
  readonly destinations: readonly DestinationRow[]
  readonly interfaces: readonly InterfaceRow[]
  /** Those that send most now; none where services are not told apart. */
  readonly services: readonly ServiceRow[]
}

/** A query that cannot be answered, in words for whoever sent it. */
export class QueryError extends Error {
  readonly statusCode = 400
}

/**
 * Answers a query. The counts are those that a scrape at this moment would show.
 *
 * @throws QueryError, or NativeError if the kernel cannot be read
 */
export async function listDestinations(
  source: DestinationsSource,
  query: ListQuery,
): Promise<DestinationsList> {
  await source.catchUp()
  // Now it knows what is new.
  const { baselineEndMs, unacknowledged, announced } = source.state
  const rankQuery = toRankQuery(query)
  const { matched, rows, interfaces, services } =
    query.status === 'new' ? await rankNews(source, announced, rankQuery) : await rankTable(source, rankQuery)
  return {
    time: new Date().toISOString(),
    baseline_end: new Date(baselineEndMs).toISOString(),
    unacknowledged,
    total: interfaces.reduce((sum, { destinations }) => sum + destinations, 0),
    matched,
    offset: query.offset,
    destinations: rows.map(({ record, remembered }) => destinationRow(record, remembered)),
    interfaces: interfaces.map(withRates),
    services: services
      .toSorted((a, b) => b.bytesPerSecond - a.bytesPerSecond || b.bytes - a.bytes)
      .slice(0, maxServices)
      .map(withRates),
  }
}

const withRates = <T extends Rated>({ packetsPerSecond, bytesPerSecond, ...rest }: T) => ({
  ...rest,
  packets_per_second: rounded(packetsPerSecond),
  bytes_per_second: rounded(bytesPerSecond),
})

async function rankTable(source: DestinationsSource, query: RankQuery) {
  const { rows, ...rest } = await source.rank(query)
  if ((query.byService ?? query.service !== undefined) && rest.services.length === 0 && rest.matched > 0)
    throw new QueryError('services are not told apart: that takes --services')
  const remembered = await source.describe(
    rows.map(({ interface: iface, destination }) => ({ interface: iface, destination })),
  )
  return { ...rest, rows: rows.map((record, index) => ({ record, remembered: remembered[index] })) }
}

function toRankQuery(query: ListQuery): RankQuery {
  const { sort, search = '', interface: iface, port, limit, offset } = query
  const descending = sort.startsWith('-')
  const key = (descending ? sort.slice(1) : sort) as SortKey
  const protocol = query.protocol ? protocolNumber(query.protocol) : undefined
  if (query.protocol && protocol === undefined) {
    throw new QueryError(`there is no protocol '${query.protocol}': write tcp, udp, … or a number`)
  }
  const within = search.includes('/') ? prefixOf(search) : undefined
  return {
    ...(within ? { within } : { search: canonicalAddress(search.trim()) ?? search.trim().toLowerCase() }),
    ...(iface && { interface: iface }),
    ...(protocol !== undefined && { protocol }),
    ...(port !== undefined && { port }),
    ...(query.service && { service: query.service }),
    ...(query.by === 'service' && { byService: true }),
    order: fields[key].order,
    descending,
    limit,
    offset,
  }
}

function prefixOf(text: string): Prefix {
  try {
    return parsePrefix(text.trim())
  } catch (error) {
    throw new QueryError((error as Error).message)
  }
}
