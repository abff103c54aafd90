import type Database from 'better-sqlite3'
import type { ServiceContact, ServiceKey } from './rows.js'
import { serviceContactColumns } from './schema.js'
import type { Row } from './statements.js'

/** Which service sends where, in a database: kept with `--new.by=service`. Every method throws what SQLite says. */
export class ServiceContacts {
  readonly #statements

  constructor(database: Database.Database) {
    this.#statements = prepare(database)
  }

  /**
   * Notes that a service still sends there.
   *
   * @param lastLivedMs its last packet, in ms of time that was lived
   * @returns false if that is not remembered
   */
  update(key: ServiceKey, lastLivedMs: number): boolean {
    return this.#statements.update.run({ ...key, lastLivedMs }).changes > 0
  }

  has(key: ServiceKey): boolean {
    return this.#statements.has.get(key) !== undefined
  }

  /** Remembers a first contact, unless it is remembered already. */
  insert(contact: ServiceContact): boolean {
    return this.#statements.insert.run(contact).changes > 0
  }

  /** Remembers a row of another database, unless it is remembered already. */
  takeOver(row: Row): boolean {
    return this.#statements.takeOver.run(row).changes > 0
  }

  /** All rows as they are stored. */
  *rows(): IterableIterator<Row> {
    yield* this.#statements.everything.iterate()
  }

  /** Forgets those without a packet since a time that was lived, so many at most. */
  forgetIdle(beforeLivedMs: number, most: number): number {
    return this.#statements.forgetIdle.run(beforeLivedMs, most).changes
  }

  /** Forgets those that were idle longest, and are not new, so many at most. */
  forgetForRoom(most: number): number {
    return this.#statements.forgetForRoom.run(most).changes
  }

  count(): number {
    return this.#statements.count.get()?.count ?? 0
  }

  /** Forgets all. */
  clear(): void {
    this.#statements.clear.run()
  }
}

const names = Object.keys(serviceContactColumns)
const columns = Object.values(serviceContactColumns)
const insertInto = (values: readonly string[]) =>
  `INSERT INTO service_contacts (${columns.join(', ')}) VALUES (${values.map((name) => `@${name}`).join(', ')})
   ON CONFLICT DO NOTHING`

/** @param condition of those that go, the longest idle first */
const forget = (condition: string) =>
  `DELETE FROM service_contacts WHERE (interface, destination, service) IN
     (SELECT interface, destination, service FROM service_contacts WHERE ${condition}
      ORDER BY last_lived_ms LIMIT ?)`

function prepare(database: Database.Database) {
  return {
    update: database.prepare<[ServiceKey & { lastLivedMs: number }]>(
      `UPDATE service_contacts SET last_lived_ms = max(last_lived_ms, @lastLivedMs)
       WHERE interface = @interface AND destination = @destination AND service = @service`,
    ),
    has: database.prepare<[ServiceKey]>(
      `SELECT 1 FROM service_contacts
       WHERE interface = @interface AND destination = @destination AND service = @service`,
    ),
    insert: database.prepare<[ServiceContact]>(insertInto(names)),
    takeOver: database.prepare<[Row]>(insertInto(columns)),
    everything: database.prepare<[], Row>('SELECT * FROM service_contacts'),
    forgetIdle: database.prepare<[number, number]>(forget('last_lived_ms < ?')),
    forgetForRoom: database.prepare<[number]>(forget("status <> 'new'")),
    count: database.prepare<[], { count: number }>('SELECT count(*) AS count FROM service_contacts'),
    clear: database.prepare('DELETE FROM service_contacts'),
  }
}
