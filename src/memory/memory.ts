import type { Settings } from '../config/settings.js'
import type { FirstContact } from '../config/expectation.js'
import type { Contact } from '../kernel/contacts.js'
import { Announcements } from './announcements.js'
import { AuditLog } from './audit-log.js'
import { FailoverStore, type StoreLog } from './failover-store.js'
import { type Instant, readInstant } from './lived-clock.js'
import type { DestinationKey, PlacedContact, Remembered } from './rows.js'
import { eventOf, firstContactOf, isLast } from './rows.js'
import { Expectations } from './expectations.js'
import { facts, type MemoryStore } from './memory-store.js'
import { unknown } from '../services/service.js'
import { NameFinder } from './names.js'
import { type NetworkSource, noNetworks } from './network-names.js'
import type { ServiceOf } from './sender-names.js'
import { Room } from './room.js'
import { ServiceNews, type Verdict } from './service-news.js'
import type { Store } from './store.js'
import { asOfNow, Timeline } from './timeline.js'
import type { MemoryState } from './memory-state.js'

export type MemorySettings = Pick<
  Settings,
  'storagePath' | 'retentionMs' | 'baselineMs' | 'newBy' | 'expectations' | 'destinationsLimit' | 'audit'
>

/** First contacts that the table is to have from now on, by the places of what it told. */
export type Corrections = readonly { readonly index: number; readonly firstSeenMs: number }[]

/** What a memory depends on beside its settings. */
export interface Surroundings {
  readonly now?: () => Instant
  /** Keeps others out of the storage folder, where it was made anew; throws where that fails. */
  readonly hold?: () => void
  readonly serviceOf?: ServiceOf
  readonly networks?: NetworkSource
}

/**
 * Which destinations were ever seen. What is new is in the database, and with it what the audit log will
 * tell, before this says so. Everything blocks: it runs on a thread of its own, see `worker.ts`.
 */
export class Memory {
  readonly #settings: MemorySettings
  readonly #log: StoreLog
  readonly #now: () => Instant
  readonly #names: NameFinder
  readonly #store: FailoverStore
  readonly #audit: AuditLog
  readonly #room: Room
  readonly #expectations: Expectations
  readonly #news = new Announcements()
  /** Absent where what is new for the host is all that is asked. */
  readonly #serviceNews: ServiceNews | undefined
  #timeline: Timeline
  #baselineEndMs = 0
  #count = 0
  #version = 0
  #generation = 0
  #closed = false

  constructor(settings: MemorySettings, log: StoreLog, surroundings: Surroundings = {}) {
    const { now = readInstant, hold = () => undefined, networks = noNetworks } = surroundings
    this.#settings = settings
    this.#log = log
    this.#now = now
    const { serviceOf = () => unknown.service } = surroundings
    this.#names = new NameFinder(serviceOf, networks)
    this.#room = new Room(settings)
    this.#expectations = new Expectations(settings.expectations)
    if (settings.newBy === 'service')
      this.#serviceNews = new ServiceNews(serviceOf, (contact, firstLivedMs) =>
        this.#judge(contact, this.#timeline.isServicesBaseline(firstLivedMs)),
      )
    if (settings.storagePath === '') {
      log.warn('nothing is remembered beyond this run: each start learns its baseline anew (--storage.path)')
    }
    this.#store = new FailoverStore(
      settings.storagePath,
      log,
      (store) => {
        Timeline.begin(store, settings.baselineMs, settings.newBy, now())
        store.setFact(facts.audited, settings.audit.file === '' ? 0 : 1)
      },
      () => this.#news,
      hold,
    )
    this.#audit = new AuditLog(settings.audit, log)
    this.#timeline = new Timeline(this.#store.current, now())
    this.#names.findLate(this.#store) // so that it can be told what is new
    this.#load()
    this.#watchClock()
    const baseline_end = new Date(this.#baselineEndMs).toISOString()
    log.info(
      { storage_path: settings.storagePath, baseline_end, known: this.#count },
      'remembering destinations',
    )
  }

  get state(): Omit<MemoryState, 'networkFilesFailed'> {
    const { newDestinations, announced, unacknowledged } = this.#news
    return {
      ...{ newDestinations, announced, unacknowledged },
      baselineEndMs: this.#baselineEndMs,
      degraded: this.#store.degraded,
      audit: this.#audit.state(this.#store.current),
    }
  }

  /** What is remembered of a destination; undefined also where the database cannot be read. */
  find({ interface: iface, destination }: DestinationKey): Remembered | undefined {
    try {
      return this.#store.get(iface, destination)
    } catch {
      return undefined
    }
  }

  /**
   * Remembers what is seen now. On return it is written.
   *
   * @returns when each was first seen, in ms since the Unix epoch
   */
  record(contacts: readonly Contact[]): Float64Array {
    const now = this.#now()
    const placed = this.#timeline.place(contacts, now)
    let firsts: Remembered[] = []
    let news: Remembered[] = []
    const firstSeen = this.#store.transaction((store, whole) => {
      ;[firsts, news] = [[], []]
      const times = placed.map((contact) => {
        const known = store.get(contact.interface, contact.destination)
        const host = known ?? this.#insert(store, contact)
        if (known) store.update(contact)
        else firsts.push(host)
        const one = this.#serviceNews?.record(store, contact, host, !known)
        if (one) news.push(one)
        return host.firstSeenMs
      })
      store.addEvents([...firsts, ...news].map(firstContactOf))
      this.#makeRoom(whole, firsts.length, now.wallMs)
      return times
    })
    this.#count += firsts.length
    this.#news.add([...firsts, ...news], this.#isNamed)
    this.#loadIfChanged()
    return Float64Array.from(firstSeen)
  }

  /**
   * Takes over what destinations count by now. What was forgotten meanwhile is new again.
   *
   * @returns whose first contact is remembered as another than the table has it
   */
  update(contacts: readonly Contact[]): Corrections {
    const now = this.#now()
    const placed = this.#timeline.place(contacts, now)
    const forgotten = this.#store.transaction((store) =>
      placed.filter(
        (contact) => !store.update(contact) || this.#serviceNews?.update(store, contact) === false,
      ),
    )
    if (forgotten.length > 0) this.record(forgotten.map((contact) => asOfNow(contact, now.wallMs)))
    return placed.flatMap(({ firstSeenMs, ...key }, index) => {
      const known = this.find(key)
      return known && known.firstSeenMs !== firstSeenMs ? [{ index, firstSeenMs: known.firstSeenMs }] : []
    })
  }

  /** Notes that destinations, or some of their records, left the kernel's table; they stay known. */
  expire(contacts: readonly Contact[]): void {
    const now = this.#now()
    const placed = this.#timeline.place(contacts, now)
    this.#store.transaction((store) => {
      for (const contact of placed) store.update(contact)
      store.addEvents(placed.filter(isLast).map((contact) => eventOf('expired', contact, now.wallMs)))
    })
  }

  /** Whether there are names that the next refresh may find. */
  get isNaming(): boolean {
    return this.#names.waits || (this.#serviceNews?.waits ?? false)
  }

  /** Sees what other processes have acknowledged or forgotten, forgets what is too old, and finds names late. */
  refresh(): void {
    this.#store.refresh()
    if (this.#names.findLate(this.#store)) this.#load()
    this.#recordLate()
    this.#loadIfChanged()
    this.#watchClock()
    if (!this.#store.degraded) this.#forget()
    const { version } = this.#store
    if (version !== this.#version) this.#load()
  }

  /** Writes what the audit log is to tell, as far as it takes it. @returns whether there is more */
  writeAudit(): boolean {
    return this.#audit.write(this.#store.current)
  }

  /** Opens the audit log anew, as logrotate wants it. */
  reopenAudit(): void {
    this.#audit.reopen()
  }

  /** Idempotent. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    try {
      this.#store.transaction((_view, store) => this.#timeline.save(store, this.#now()))
      while (this.writeAudit());
    } finally {
      this.#store.close()
      this.#audit.close()
    }
  }

  /** What is new for services that had no name yet. */
  #recordLate(): void {
    const news = this.#serviceNews?.recordLate(this.#store) ?? []
    if (news.length > 0) this.#news.add(news, this.#isNamed)
  }

  /** Remembers a destination. */
  #insert(store: MemoryStore, contact: PlacedContact): Remembered {
    const named = { ...contact, ...this.#names.of(contact, store) }
    const judged = this.#judge(named, this.#timeline.isBaseline(contact))
    store.insert(named, judged.status, judged.note)
    return { ...named, ...judged, acknowledgedMs: null }
  }

  /** Where it cannot be told what was seen before, nothing is announced: the database decides later. */
  #judge(contact: FirstContact, isBaseline: boolean): Verdict {
    if (isBaseline || !this.#store.certain) return { status: 'baseline', note: null }
    const note = this.#expectations.reasonOf(contact)
    return note === undefined ? { status: 'new', note: null } : { status: 'expected', note }
  }

  #makeRoom(store: Store, added: number, atMs: number): void {
    const gone = this.#room.make(store, this.#count + added, this.#store.degraded, atMs)
    if (gone === 0) return
    this.#count -= gone
    this.#version = -1 // what is announced, and of which interfaces, is to be looked up
  }

  #forget(): void {
    const now = this.#now()
    const before = this.#timeline.lived(now) - this.#settings.retentionMs
    const { destinations: forgotten, services } = this.#store.transaction((_view, store) => {
      const idle = this.#room.forgetIdle(store, before, now.wallMs)
      this.#count -= idle.destinations
      this.#makeRoom(store, 0, now.wallMs)
      return idle
    })
    if (forgotten > 0)
      this.#log.info({ forgotten }, 'forgot destinations without traffic for --storage.retention')
    if (forgotten + services > 0) this.#load()
  }

  /** Notices that somebody set the clock, and mends what was written down by a wrong one. */
  #watchClock(): void {
    const now = this.#now()
    const { stepMs, wrong } = this.#timeline.look(now)
    if (stepMs !== 0) {
      this.#log.warn(
        { step_seconds: Math.round(stepMs / 100) / 10 },
        'the clock was set: nothing is forgotten or announced by that, and times are mended in a minute',
      )
    }
    if (!this.#timeline.isDue(now)) return
    this.#store.transaction((_view, store) => {
      store.mend(wrong)
      this.#timeline.save(store, now)
    })
    if (stepMs !== 0 || wrong.length > 0) this.#load()
  }

  /** What has taken the place of a store that failed has a clock, a baseline and a list of its own. */
  #loadIfChanged(): void {
    if (this.#store.generation !== this.#generation) this.#load()
  }

  #load(): void {
    const now = this.#now()
    this.#news.load(this.#expectations.meet(this.#store, now.wallMs), this.#isNamed)
    this.#count = this.#store.count()
    if (this.#store.generation !== this.#generation) {
      this.#generation = this.#store.generation
      this.#timeline = new Timeline(this.#store.current, now)
    }
    this.#baselineEndMs = this.#timeline.baselineEnd(now)
    this.#version = this.#store.version
  }

  readonly #isNamed = (one: Remembered) => this.#names.isNamed(one)
}
