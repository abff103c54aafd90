import type Database from 'better-sqlite3'
import type { Remembered } from './rows.js'

/** A rule of what is expected, as a database has it. */
export interface StoredExpectation {
  readonly rule: string
  /** When somebody made it, in ms since the Unix epoch. */
  readonly atMs: number
  readonly note: string | null
}

/** Rules that somebody made while the exporter ran. Every method throws what SQLite says. */
export class StoredExpectations {
  readonly #statements

  constructor(database: Database.Database) {
    this.#statements = prepare(database)
  }

  /** The oldest first. */
  list(): StoredExpectation[] {
    return this.#statements.list.all()
  }

  /** Adds a rule, or exchanges its note. */
  add(expectation: StoredExpectation): void {
    this.#statements.add.run(expectation)
  }

  /** @returns false if there is no such rule */
  remove(rule: string): boolean {
    return this.#statements.remove.run(rule).changes > 0
  }

  /**
   * What was new is expected from now on, for the reason that is its note: the destination, or where it is news of
   * a service that came later, that alone.
   */
  meet(news: Remembered): void {
    this.#statements.meet.run(news)
    this.#statements.meetService.run(news)
  }
}

function prepare(database: Database.Database) {
  return {
    list: database.prepare<[], StoredExpectation>(
      'SELECT rule, at_ms AS atMs, note FROM expectations ORDER BY at_ms, rule',
    ),
    add: database.prepare<[StoredExpectation]>(
      'INSERT OR REPLACE INTO expectations VALUES (@rule, @atMs, @note)',
    ),
    remove: database.prepare<[string]>('DELETE FROM expectations WHERE rule = ?'),
    meet: database.prepare<[Remembered]>(
      `UPDATE destinations SET status = 'expected', note = @note
       WHERE interface = @interface AND destination = @destination AND status = 'new'
         AND NOT EXISTS (SELECT 1 FROM service_contacts AS s
           WHERE s.interface = @interface AND s.destination = @destination AND s.service = @service
             AND s.status = 'new' AND s.is_first = 0)`,
    ),
    meetService: database.prepare<[Remembered]>(
      `UPDATE service_contacts SET status = 'expected'
       WHERE interface = @interface AND destination = @destination AND service = @service AND status = 'new'`,
    ),
  }
}
