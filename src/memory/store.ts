import { mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { migrate } from './schema.js'

export const statuses = ['baseline', 'new', 'acknowledged'] as const
export type Status = (typeof statuses)[number]

/** What is remembered of a destination; times in ms since the Unix epoch. */
export interface Remembered {
  readonly interface: string
  readonly destination: string
  readonly firstSeenMs: number
  readonly lastSeenMs: number
  /** IP protocol number of the first packet. */
  readonly protocol: number
  /** Of the first packet; 0: none. */
  readonly port: number
  readonly packets: number
  readonly bytes: number
  readonly status: Status
  readonly acknowledgedMs: number | null
  readonly note: string | null
}

/** What is seen of a destination now. */
export interface Contact extends Pick<
  Remembered,
  'interface' | 'destination' | 'firstSeenMs' | 'lastSeenMs' | 'protocol' | 'port' | 'packets' | 'bytes'
> {
  /** Tells apart the records of the kernel's table that count this destination, one after the other. */
  readonly life: string
}

/** As it is in the table. */
type Row = Record<string, string | number | null>

const columns = `interface, destination, first_seen_ms AS firstSeenMs, last_seen_ms AS lastSeenMs,
  protocol, port, packets, bytes, status, acknowledged_ms AS acknowledgedMs, note`

/** Another process may write at the same time, `destinations ack` for one. */
const busyTimeoutMs = 2_000

/** What is not in it is in the kernel's page cache. */
const cacheKiB = 1_024

/** The database of destinations. Every method throws what SQLite says. */
export class Store {
  readonly #database: Database.Database
  readonly #statements

  /**
   * Opens the database in a folder, which is made if there is none; without a folder, one in memory.
   *
   * @throws Error of the file system or SQLite; `isCorrupt` tells a broken file apart
   */
  constructor(folder?: string, options: { readonly?: boolean; mustExist?: boolean } = {}) {
    const { readonly = false, mustExist = false } = options
    if (folder !== undefined && !mustExist) mkdirSync(folder, { recursive: true, mode: 0o700 })
    // It says whom this host talks to: it is nobody else's.
    const mask = process.umask(0o077)
    try {
      this.#database = new Database(folder === undefined ? ':memory:' : databaseFile(folder), {
        readonly,
        fileMustExist: mustExist,
      })
    } finally {
      process.umask(mask)
    }
    try {
      this.#database.pragma(`busy_timeout = ${busyTimeoutMs}`)
      this.#database.pragma(`cache_size = -${cacheKiB}`)
      if (!readonly) {
        this.#database.pragma('journal_mode = WAL')
        // A killed process loses nothing; a power cut may lose the last transactions, and no more.
        this.#database.pragma('synchronous = NORMAL')
        migrate(this.#database)
      }
      this.#statements = prepare(this.#database)
    } catch (error) {
      this.#database.close()
      throw error
    }
  }

  /** Does all or nothing. */
  transaction<T>(work: () => T): T {
    return this.#database.transaction(work)()
  }

  get(iface: string, destination: string): Remembered | undefined {
    return this.#statements.get.get(iface, destination)
  }

  insert(contact: Contact, status: Status): void {
    this.#statements.insert.run({ ...contact, status })
  }

  /**
   * Takes over what a destination counts now. In a new life it goes on from what was remembered.
   *
   * @returns false if the destination is not remembered
   */
  update(contact: Contact): boolean {
    return this.#statements.update.run(contact).changes > 0
  }

  /** All, oldest first. */
  list(): Remembered[] {
    return this.#statements.list.all()
  }

  acknowledge(iface: string, destination: string, atMs: number, note: string | null): void {
    this.#statements.acknowledge.run({ interface: iface, destination, atMs, note })
  }

  /** Those acknowledged after a time. */
  acknowledgedAfter(ms: number): Remembered[] {
    return this.#statements.acknowledgedAfter.all(ms)
  }

  forget(iface: string, destination: string): void {
    this.#statements.forget.run(iface, destination)
  }

  /** Forgets what was last seen before a time. */
  forgetBefore(ms: number): void {
    this.#statements.forgetBefore.run(ms)
  }

  /** How many are remembered. */
  count(): number {
    return this.#statements.count.get()?.count ?? 0
  }

  /** How many nobody has acknowledged. */
  countUnacknowledged(): number {
    return this.#statements.countUnacknowledged.get()?.count ?? 0
  }

  /** The newest of those, oldest first. */
  unacknowledged(most: number): Remembered[] {
    return this.#statements.unacknowledged.all(most).reverse()
  }

  /** Forgets what was last seen longest ago, until so many are left. */
  forgetBeyond(most: number): void {
    const excess = this.count() - most
    if (excess > 0) this.#statements.forgetOldest.run(excess)
  }

  /** Counts destinations that are new on an interface. */
  addNew(iface: string, count: number): void {
    this.#statements.addNew.run(iface, count)
  }

  /** Remembers what another store does and this one does not. */
  takeOver(other: Store): void {
    const rows = other.#database.prepare<[], Row>('SELECT * FROM destinations').all()
    for (const row of rows) this.#statements.takeOver.run(row)
    for (const [iface, count] of other.newDestinations()) this.addNew(iface, count)
  }

  newDestinations(): Map<string, number> {
    const rows = this.#statements.newDestinations.all()
    return new Map(rows.map(({ interface: iface, count }) => [iface, count]))
  }

  fact(name: string): number | undefined {
    return this.#statements.fact.get(name)?.value
  }

  setFact(name: string, value: number): void {
    this.#statements.setFact.run(name, value)
  }

  /** Changes when another connection has written. */
  get version(): number {
    return this.#database.pragma('data_version', { simple: true }) as number
  }

  close(): void {
    this.#database.close()
  }
}

function prepare(database: Database.Database) {
  const live = (unit: string) =>
    `${unit} = CASE life WHEN @life THEN ${unit}_before ELSE ${unit} END + @${unit},
     ${unit}_before = CASE life WHEN @life THEN ${unit}_before ELSE ${unit} END`
  return {
    get: database.prepare<[string, string], Remembered>(
      `SELECT ${columns} FROM destinations WHERE interface = ? AND destination = ?`,
    ),
    list: database.prepare<[], Remembered>(
      `SELECT ${columns} FROM destinations ORDER BY first_seen_ms, interface, destination`,
    ),
    acknowledgedAfter: database.prepare<[number], Remembered>(
      `SELECT ${columns} FROM destinations WHERE acknowledged_ms > ? ORDER BY acknowledged_ms`,
    ),
    insert: database.prepare<[Contact & { status: Status }]>(
      `INSERT INTO destinations VALUES (@interface, @destination, @firstSeenMs, @lastSeenMs, @protocol, @port,
         @packets, @bytes, @life, 0, 0, @status, NULL, NULL)`,
    ),
    update: database.prepare<[Contact]>(
      `UPDATE destinations SET ${live('packets')}, ${live('bytes')}, life = @life,
         last_seen_ms = max(last_seen_ms, @lastSeenMs)
       WHERE interface = @interface AND destination = @destination`,
    ),
    acknowledge: database.prepare<
      [{ interface: string; destination: string; atMs: number; note: string | null }]
    >(
      `UPDATE destinations SET status = 'acknowledged', acknowledged_ms = @atMs, note = coalesce(@note, note)
       WHERE interface = @interface AND destination = @destination`,
    ),
    forget: database.prepare<[string, string]>(
      'DELETE FROM destinations WHERE interface = ? AND destination = ?',
    ),
    forgetOldest: database.prepare<[number]>(
      `DELETE FROM destinations WHERE (interface, destination) IN
         (SELECT interface, destination FROM destinations ORDER BY last_seen_ms LIMIT ?)`,
    ),
    forgetBefore: database.prepare<[number]>('DELETE FROM destinations WHERE last_seen_ms < ?'),
    count: database.prepare<[], { count: number }>('SELECT count(*) AS count FROM destinations'),
    countUnacknowledged: database.prepare<[], { count: number }>(
      "SELECT count(*) AS count FROM destinations WHERE status = 'new'",
    ),
    unacknowledged: database.prepare<[number], Remembered>(
      `SELECT ${columns} FROM destinations WHERE status = 'new' ORDER BY first_seen_ms DESC LIMIT ?`,
    ),
    addNew: database.prepare<[string, number]>(
      `INSERT INTO interfaces VALUES (?, ?)
       ON CONFLICT DO UPDATE SET new_destinations = new_destinations + excluded.new_destinations`,
    ),
    takeOver: database.prepare<[Row]>(
      `INSERT INTO destinations VALUES (@interface, @destination, @first_seen_ms, @last_seen_ms, @protocol,
         @port, @packets, @bytes, @life, @packets_before, @bytes_before, @status, @acknowledged_ms, @note)
       ON CONFLICT DO NOTHING`,
    ),
    newDestinations: database.prepare<[], { interface: string; count: number }>(
      'SELECT interface, new_destinations AS count FROM interfaces',
    ),
    fact: database.prepare<[string], { value: number }>('SELECT value FROM facts WHERE name = ?'),
    setFact: database.prepare<[string, number]>('INSERT OR REPLACE INTO facts VALUES (?, ?)'),
  }
}

export const databaseFile = (folder: string): string => join(folder, 'destinations.db')

/** Whether an error says that the file is no sound database. */
export function isCorrupt(error: unknown): boolean {
  const code = error instanceof Database.SqliteError ? error.code : ''
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB'
}

/** Sets a corrupt database aside, with what belongs to it. @returns its new name */
export function setAside(folder: string, now: Date): string {
  const file = databaseFile(folder)
  const aside = `${file}.corrupt-${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}`
  for (const suffix of ['', '-wal', '-shm']) {
    try {
      renameSync(file + suffix, aside + suffix)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return aside
}
