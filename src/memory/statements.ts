import type Database from 'better-sqlite3'
import type { Network } from '../networks/network.js'
import type {
  DestinationKey,
  EventRow,
  PlacedContact,
  Remembered,
  StoredDestination,
  StoredEvent,
} from './rows.js'
import { destinationColumns, eventColumns, networkColumns, rememberedColumns, shownStatus } from './schema.js'

const selected = (names: Readonly<Record<string, string>>) =>
  Object.entries(names)
    .map(([name, column]) => `${column} AS ${name}`)
    .join(', ')

/** As it is in the table. */
export type Row = Record<string, string | number | null>

/** What is remembered, under the names that rows have for it. */
export const columns = selected({ ...rememberedColumns, status: shownStatus })

/** What a service knows of its own first contact, in place of the destination's. */
const ofService = new Set(['first_seen_ms', 'protocol', 'port', 'service', 'uid', 'status'])
const newsColumns = Object.values(rememberedColumns)
const newsOfService = newsColumns.map((column) => {
  if (column === 'novelty') return "CASE WHEN s.is_first THEN d.novelty ELSE 'service' END AS novelty"
  return `${ofService.has(column) ? 's' : 'd'}.${column} AS ${column}`
})

/** What is new and not acknowledged: for a service where that is asked, else for all. */
export const news = `(
  SELECT ${newsOfService.join(', ')}
  FROM service_contacts AS s JOIN destinations AS d USING (interface, destination) WHERE s.status = 'new'
  UNION ALL
  SELECT ${newsColumns.join(', ')} FROM destinations AS d WHERE d.status = 'new' AND NOT EXISTS
    (SELECT 1 FROM service_contacts AS s
     WHERE s.interface = d.interface AND s.destination = d.destination AND s.status = 'new' AND s.is_first)
)`
/** The columns of that. */
export const newsSelected = selected(rememberedColumns)

const allColumns = Object.values(destinationColumns)
/** @param names of the values, in the order of the columns */
const insertInto = (names: readonly string[]) =>
  `INSERT INTO destinations (${allColumns.join(', ')}) VALUES (${names.map((name) => `@${name}`).join(', ')})`
const insert = insertInto(Object.keys(destinationColumns))

/** What is counted goes on from what was remembered, where another record counts now. */
const goOn = (unit: string) =>
  `${unit} = CASE life WHEN @life THEN ${unit}_before ELSE ${unit} END + @${unit},
   ${unit}_before = CASE life WHEN @life THEN ${unit}_before ELSE ${unit} END`

/** Every statement of the store but its selections. */
export function prepare(database: Database.Database) {
  return {
    get: database.prepare<[string, string], Remembered>(
      `SELECT ${columns} FROM destinations WHERE interface = ? AND destination = ?`,
    ),
    insert: database.prepare<[StoredDestination]>(insert),
    nameSender: database.prepare<[string, string, string]>(
      'UPDATE destinations SET service = ? WHERE interface = ? AND destination = ? AND service IS NULL',
    ),
    hasNetwork: database.prepare<[string]>('SELECT 1 FROM destinations WHERE network = ? LIMIT 1'),
    networksAfter: database.prepare<[string, string, number], DestinationKey & Network>(
      `SELECT interface, destination, ${selected(networkColumns)} FROM destinations
       WHERE (interface, destination) > (?, ?) ORDER BY interface, destination LIMIT ?`,
    ),
    setNetwork: database.prepare<[DestinationKey & Network]>(
      `UPDATE destinations SET network = @network, asn = @asn, as_name = @asName, country = @country
       WHERE interface = @interface AND destination = @destination`,
    ),
    update: database.prepare<[PlacedContact]>(
      `UPDATE destinations SET ${goOn('packets')}, ${goOn('bytes')}, life = @life,
         last_seen_ms = max(last_seen_ms, @lastSeenMs), last_lived_ms = max(last_lived_ms, @lastLivedMs)
       WHERE interface = @interface AND destination = @destination`,
    ),
    handOver: database.prepare<[PlacedContact]>(
      `UPDATE destinations SET packets_before = packets_before + @packets, bytes_before = bytes_before + @bytes,
         life = @nextLife
       WHERE interface = @interface AND destination = @destination AND life = @life`,
    ),
    acknowledge: database.prepare<
      [{ interface: string; destination: string; atMs: number; note: string | null }]
    >(
      `UPDATE destinations SET status = 'acknowledged', acknowledged_ms = @atMs, note = coalesce(@note, note)
       WHERE interface = @interface AND destination = @destination`,
    ),
    unacknowledge: database.prepare<[{ interface: string; destination: string }]>(
      `UPDATE destinations SET status = 'new', acknowledged_ms = NULL
       WHERE interface = @interface AND destination = @destination AND status IN ('acknowledged', 'expected')`,
    ),
    acknowledgeServices: database.prepare<[{ interface: string; destination: string }]>(
      `UPDATE service_contacts SET status = 'acknowledged'
       WHERE interface = @interface AND destination = @destination AND status = 'new'`,
    ),
    forget: database.prepare<[string, string]>(
      'DELETE FROM destinations WHERE interface = ? AND destination = ?',
    ),
    idle: database.prepare<[number, number], Remembered>(
      `SELECT ${columns} FROM destinations WHERE last_lived_ms < ? ORDER BY last_lived_ms LIMIT ?`,
    ),
    longestIdle: database.prepare<[number], Remembered>(
      `SELECT ${columns} FROM destinations WHERE status <> 'new' ORDER BY last_lived_ms LIMIT ?`,
    ),
    newBeyond: database.prepare<[number, number], Remembered>(
      `SELECT ${columns} FROM destinations WHERE status = 'new' ORDER BY first_seen_ms LIMIT ? OFFSET ?`,
    ),
    count: database.prepare<[], { count: number }>('SELECT count(*) AS count FROM destinations'),
    countNew: database.prepare<
      [],
      { count: number }
    >(`SELECT (SELECT count(*) FROM destinations WHERE status = 'new') +
              (SELECT count(*) FROM service_contacts WHERE status = 'new' AND is_first = 0) AS count`),
    oldestNew: database.prepare<[number], Remembered>(
      `SELECT ${newsSelected} FROM ${news} ORDER BY first_seen_ms LIMIT ?`,
    ),
    addNew: database.prepare<[string, number]>(
      `INSERT INTO interfaces VALUES (?, ?)
       ON CONFLICT DO UPDATE SET new_destinations = new_destinations + excluded.new_destinations`,
    ),
    leaveInterface: database.prepare<[{ interface: string }]>(
      `DELETE FROM interfaces WHERE interface = @interface
         AND NOT EXISTS (SELECT 1 FROM destinations WHERE interface = @interface)`,
    ),
    newDestinations: database.prepare<[], { interface: string; count: number }>(
      'SELECT interface, new_destinations AS count FROM interfaces',
    ),
    mendFirst: database.prepare<[{ fromLivedMs: number; toLivedMs: number; addMs: number }]>(
      `UPDATE destinations SET first_seen_ms = first_seen_ms + @addMs
       WHERE first_lived_ms >= @fromLivedMs AND first_lived_ms < @toLivedMs`,
    ),
    mendFirstOfServices: database.prepare<[{ fromLivedMs: number; toLivedMs: number; addMs: number }]>(
      `UPDATE service_contacts SET first_seen_ms = first_seen_ms + @addMs
       WHERE first_lived_ms >= @fromLivedMs AND first_lived_ms < @toLivedMs`,
    ),
    mendLast: database.prepare<[{ fromLivedMs: number; toLivedMs: number; addMs: number }]>(
      `UPDATE destinations SET last_seen_ms = last_seen_ms + @addMs
       WHERE last_lived_ms >= @fromLivedMs AND last_lived_ms < @toLivedMs`,
    ),
    everything: database.prepare<[], Row>('SELECT * FROM destinations'),
    takeOver: database.prepare<[Row]>(`${insertInto(allColumns)} ON CONFLICT DO NOTHING`),
    remember: database.prepare<[StoredDestination]>(`${insert} ON CONFLICT DO NOTHING`),
    addEvent: database.prepare<[EventRow]>(
      `INSERT INTO events (${Object.values(eventColumns).join(', ')})
       VALUES (${Object.keys(eventColumns)
         .map((name) => `@${name}`)
         .join(', ')})`,
    ),
    events: database.prepare<[number, number], StoredEvent>(
      `SELECT id, ${selected(eventColumns)} FROM events WHERE id > ? ORDER BY id LIMIT ?`,
    ),
    // Events go from the oldest on, so there are no gaps to count.
    eventIds: database.prepare<[], { first: number | null; last: number | null }>(
      'SELECT (SELECT min(id) FROM events) AS first, (SELECT max(id) FROM events) AS last',
    ),
    removeEvents: database.prepare<[number]>('DELETE FROM events WHERE id <= ?'),
    fact: database.prepare<[string], { value: string | number }>('SELECT value FROM facts WHERE name = ?'),
    removeFact: database.prepare<[string]>('DELETE FROM facts WHERE name = ?'),
    setFact: database.prepare<[string, string | number]>('INSERT OR REPLACE INTO facts VALUES (?, ?)'),
  }
}
