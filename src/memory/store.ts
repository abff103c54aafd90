import { readFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { databaseFile, DatabaseFiles, openCopy, openDatabase } from './database-file.js'
import type { Network } from '../networks/network.js'
import { makeFolder } from './folder.js'
import type { SavedClock, WrongTimes } from './lived-clock.js'
import type {
  DestinationKey,
  EventRow,
  ForgetReason,
  NamedContact,
  PlacedContact,
  Remembered,
  Status,
  StoredEvent,
} from './rows.js'
import { eventOf, storedContact, storedMemory } from './rows.js'
import { maxAnnounced, facts, type MemoryStore, type Summary } from './memory-store.js'
import { migrate } from './schema.js'
import { ServiceContacts } from './service-contacts.js'
import { StoredExpectations } from './stored-expectations.js'
import { columns, news, newsSelected, prepare, type Row } from './statements.js'
import { type Selection, where } from './selection.js'

/** Another process may write at the same time, `destinations ack` for one. */
const busyTimeoutMs = 2_000

/** What is not in it is in the kernel's page cache. */
const cacheKiB = 1_024

interface StoreOptions {
  readonly readonly?: boolean
  readonly mustExist?: boolean
  /** A database in place of a file's. */
  readonly bytes?: Buffer
}

/** The database of destinations. Every method throws what SQLite says. */
export class Store implements MemoryStore {
  readonly readonly: boolean
  readonly #database: Database.Database
  readonly #statements
  readonly #files: DatabaseFiles
  /** Which service sends where. */
  readonly services: ServiceContacts
  /** Rules that somebody made. */
  readonly expectations: StoredExpectations

  /**
   * Opens the database in a folder, which is made if there is none; without a folder, one in memory.
   *
   * @throws Error of the file system or SQLite; `isCorrupt` tells a broken file apart
   */
  constructor(folder?: string, options: StoreOptions = {}) {
    const { readonly = false, mustExist = false, bytes } = options
    if (folder !== undefined && !mustExist) makeFolder(folder)
    this.readonly = readonly || bytes !== undefined
    const file = folder === undefined ? undefined : databaseFile(folder)
    this.#database = bytes ? openCopy(bytes) : openDatabase(file, { readonly, fileMustExist: mustExist })
    try {
      this.patient = true
      this.#database.pragma(`cache_size = -${cacheKiB}`)
      if (!this.readonly) {
        this.#database.pragma('journal_mode = WAL')
        // A killed process loses nothing; a power cut may lose the last transactions, and no more.
        this.#database.pragma('synchronous = NORMAL')
        migrate(this.#database)
      }
      this.#statements = prepare(this.#database)
      this.services = new ServiceContacts(this.#database)
      this.expectations = new StoredExpectations(this.#database)
      this.#files = new DatabaseFiles(file)
    } catch (error) {
      this.#database.close()
      throw error
    }
  }

  /**
   * A copy in memory of a database that cannot be opened where it is, on a read-only file system for one.
   *
   * @throws Error if it cannot be read, or is no sound database
   */
  static copy(folder: string): Store {
    return new Store(undefined, { bytes: readFileSync(databaseFile(folder)) })
  }

  /** Looks for damage, page by page. @throws SqliteError that `isCorrupt` knows */
  check(): void {
    const [verdict] = this.#database.pragma('quick_check(1)', { simple: false }) as { quick_check: string }[]
    if (verdict?.quick_check === 'ok') return
    throw new Database.SqliteError(verdict?.quick_check ?? 'it cannot be checked', 'SQLITE_CORRUPT')
  }

  /** Whether its files are still where they were opened: somebody may have deleted or exchanged them. */
  isInPlace(): boolean {
    return this.#files.areInPlace()
  }

  /** Closes a database that is not in place any more. */
  closeDisplaced(): void {
    this.close()
    this.#files.removeLog()
  }

  /** Does all or nothing. What it reads stays true while it writes. */
  transaction<T>(work: () => T): T {
    return this.#database.transaction(work).immediate()
  }

  /** Whether to wait for another process that writes; it does, unless told otherwise. */
  set patient(patient: boolean) {
    this.#database.pragma(`busy_timeout = ${patient ? busyTimeoutMs : 0}`)
  }

  get(iface: string, destination: string): Remembered | undefined {
    return this.#statements.get.get(iface, destination)
  }

  insert(contact: NamedContact, status: Status, note: string | null = null): void {
    this.#statements.insert.run(storedContact(contact, status, note))
    if (status === 'new') this.#statements.addNew.run(contact.interface, 1)
  }

  nameSender({ interface: iface, destination }: DestinationKey, service: string): void {
    this.#statements.nameSender.run(service, iface, destination)
  }

  hasNetwork(network: string): boolean {
    return this.#statements.hasNetwork.get(network) !== undefined
  }

  /** What destinations belong to, so many after one of them. */
  networksAfter(
    { interface: iface, destination }: DestinationKey,
    most: number,
  ): (DestinationKey & Network)[] {
    return this.#statements.networksAfter.all(iface, destination, most)
  }

  setNetwork(row: DestinationKey & Network): void {
    this.#statements.setNetwork.run(row)
  }

  update(contact: PlacedContact): boolean {
    return this.#statements[contact.nextLife === undefined ? 'update' : 'handOver'].run(contact).changes > 0
  }

  /** What is selected, oldest first, one by one; what is new with whom it is new for. */
  select(selection: Selection): IterableIterator<Remembered> {
    const { sql, parameters, functions } = where(selection)
    for (const [name, call] of functions) this.#database.function(name, { deterministic: true }, call)
    const [selected, from] = selection.status === 'new' ? [newsSelected, news] : [columns, 'destinations']
    return this.#database
      .prepare<unknown[], Remembered>(
        `SELECT ${selected} FROM ${from} WHERE ${sql} ORDER BY first_seen_ms, interface, destination`,
      )
      .iterate(...parameters)
  }

  acknowledge({ interface: iface, destination }: Remembered, atMs: number, note: string | null): void {
    this.#statements.acknowledge.run({ interface: iface, destination, atMs, note })
    this.#statements.acknowledgeServices.run({ interface: iface, destination })
  }

  /** @returns false if it was neither acknowledged nor expected */
  unacknowledge({ interface: iface, destination }: Remembered): boolean {
    return this.#statements.unacknowledge.run({ interface: iface, destination }).changes > 0
  }

  /** Forgets destinations, and interfaces with their last one. */
  forget(forgotten: readonly Remembered[]): void {
    for (const { interface: iface, destination } of forgotten) this.#statements.forget.run(iface, destination)
    for (const iface of new Set(forgotten.map(({ interface: name }) => name)))
      this.#statements.leaveInterface.run({ interface: iface })
  }

  /** Forgets what was last seen before a time that was lived, so many at most. */
  forgetIdle(beforeLivedMs: number, most: number, atMs: number): number {
    return this.#forgetAll(this.#statements.idle.all(beforeLivedMs, most), 'retention', atMs)
  }

  /**
   * Makes room. What is new goes first, but for the oldest: a flood drives out itself, and neither what
   * is known nor what was new before it.
   */
  forgetForRoom(count: number, atMs: number): number {
    const flood = this.#statements.newBeyond.all(count, maxAnnounced)
    const idle = flood.length < count ? this.#statements.longestIdle.all(count - flood.length) : []
    return this.#forgetAll([...flood, ...idle], 'room', atMs)
  }

  #forgetAll(forgotten: readonly Remembered[], reason: ForgetReason, atMs: number): number {
    this.forget(forgotten)
    this.addEvents(
      forgotten.map((one) => eventOf('forgotten', one, atMs, { status: one.status, note: one.note, reason })),
    )
    return forgotten.length
  }

  /** How many are remembered. Reads an index. */
  count(): number {
    return this.#statements.count.get()?.count ?? 0
  }

  summary(): Summary {
    const rows = this.#statements.newDestinations.all()
    return {
      newDestinations: new Map(rows.map(({ interface: iface, count }) => [iface, count])),
      announced: this.#statements.oldestNew.all(maxAnnounced),
      unacknowledged: this.#statements.countNew.get()?.count ?? 0,
    }
  }

  get audited(): boolean {
    return this.fact(facts.audited) === 1
  }

  addEvents(events: readonly EventRow[]): void {
    if (events.length === 0 || !this.audited) return
    for (const event of events) this.#statements.addEvent.run(event)
  }

  /** The oldest events after one, so many at most. */
  events(after: number, most: number): StoredEvent[] {
    return this.#statements.events.all(after, most)
  }

  /** Which events there are: the oldest, and the newest; equal and 0 where there are none. */
  eventIds(): { readonly first: number; readonly last: number } {
    const { first, last } = this.#statements.eventIds.get() ?? {}
    return { first: first ?? 0, last: last ?? 0 }
  }

  /** Removes events up to one. */
  removeEvents(upTo: number): void {
    this.#statements.removeEvents.run(upTo)
  }

  /** Corrects wall-clock times. */
  mend(wrong: readonly WrongTimes[]): void {
    for (const span of wrong) {
      const { toLivedMs, ...rest } = span
      const bounded = { ...rest, toLivedMs: Math.min(toLivedMs, Number.MAX_SAFE_INTEGER) }
      this.#statements.mendFirst.run(bounded)
      this.#statements.mendFirstOfServices.run(bounded)
      this.#statements.mendLast.run(bounded)
    }
  }

  /** All rows as they are stored, as far as they can be read. */
  *rows(): IterableIterator<Row> {
    yield* this.#statements.everything.iterate()
  }

  /** Remembers a row of another store, unless the destination is remembered already. */
  takeOver(row: Row): boolean {
    return this.#statements.takeOver.run(row).changes > 0
  }

  /** Remembers what is known of a destination, unless it is remembered already. @returns whether it was not */
  remember(one: Remembered): boolean {
    return this.#statements.remember.run(storedMemory(one)).changes > 0
  }

  /** Counts destinations that are new on an interface. */
  addNew(iface: string, count: number): void {
    this.#statements.addNew.run(iface, count)
  }

  fact(name: string): string | number | undefined {
    return this.#statements.fact.get(name)?.value
  }

  removeFact(name: string): void {
    this.#statements.removeFact.run(name)
  }

  setFact(name: string, value: string | number): void {
    this.#statements.setFact.run(name, value)
  }

  clock(): SavedClock | undefined {
    const saved = this.fact(facts.clock)
    return saved === undefined ? undefined : (JSON.parse(String(saved)) as SavedClock)
  }

  saveClock(clock: SavedClock): void {
    this.setFact(facts.clock, JSON.stringify(clock))
  }

  /** Changes when another connection has written. */
  get version(): number {
    return this.#database.pragma('data_version', { simple: true }) as number
  }

  close(): void {
    this.#database.close()
  }
}
