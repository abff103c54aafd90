import type { Settings } from '../config/settings.js'
import type { Logger } from '../log.js'
import type { AuditLog } from './audit-log.js'
import { type Contact, isCorrupt, type Remembered, Store, setAside } from './store.js'

export type MemorySettings = Pick<
  Settings,
  'storagePath' | 'retentionMs' | 'baselineMs' | 'destinationsLimit'
>

/** What it says of itself. */
export interface MemoryState {
  readonly baselineEndMs: number
  /** Destinations never seen before, after the baseline, by interface. */
  readonly newDestinations: ReadonlyMap<string, number>
  /** The newest of those that nobody has acknowledged. */
  readonly announced: readonly Remembered[]
  /** How many nobody has acknowledged. */
  readonly unacknowledged: number
  /** Whether something is remembered only as long as the process runs, although it should be longer. */
  readonly degraded: boolean
}

/** So many are announced one by one, lest a scan of a network become as many series. */
const announcedMost = 1_000

/**
 * Beyond so many, what was seen longest ago is forgotten: about 100 MB on disk, 10 MB in memory. More
 * where the kernel's table holds as many, lest what is in it be forgotten and found again.
 */
const rememberedMost = { disk: 1_000_000, substitute: 100_000 } as const

/** What is too old is looked for this often. */
const forgetEveryMs = 3_600_000

const baselineEnd = 'baseline_end_ms'

/**
 * Which destinations were ever seen. What is new is in the database and in the audit log before this
 * says so. A database that fails is replaced by one in memory until it works again.
 */
export class Memory {
  readonly #settings: MemorySettings
  readonly #audit: AuditLog
  readonly #log: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly #now: () => number
  #disk: Store | undefined
  /** What is remembered while the disk fails, or always where nothing is to be kept. */
  #substitute: Store | undefined
  #baselineEndMs = 0
  #newDestinations = new Map<string, number>()
  #announced: Remembered[] = []
  #unacknowledged = 0
  #version = 0
  #acknowledgedSeenMs: number
  #forgottenAtMs = -Infinity

  constructor(
    settings: MemorySettings,
    audit: AuditLog,
    log: Pick<Logger, 'info' | 'warn' | 'error'>,
    now: () => number = Date.now,
  ) {
    this.#settings = settings
    this.#audit = audit
    this.#log = log
    this.#now = now
    this.#acknowledgedSeenMs = now()
    if (settings.storagePath === '') {
      log.warn('nothing is remembered beyond this run: each start learns its baseline anew (--storage.path)')
    } else {
      this.#openDisk()
    }
    if (!this.#disk) this.#substitute = this.#begin(new Store())
    this.#load()
    log.info(
      {
        storage_path: settings.storagePath,
        baseline_end: new Date(this.#baselineEndMs).toISOString(),
        known: this.#store.count(),
      },
      'remembering destinations',
    )
  }

  get state(): MemoryState {
    return {
      baselineEndMs: this.#baselineEndMs,
      newDestinations: this.#newDestinations,
      announced: this.#announced,
      unacknowledged: this.#unacknowledged,
      degraded: this.#settings.storagePath !== '' && this.#substitute !== undefined,
    }
  }

  /** What is remembered of a destination; undefined also where the database cannot be read. */
  find(destination: Pick<Contact, 'interface' | 'destination'>): Remembered | undefined {
    try {
      return this.#find(destination)
    } catch {
      return undefined
    }
  }

  /**
   * Remembers what is seen now. On return it is written.
   *
   * @returns when each was first seen, in ms since the Unix epoch
   */
  record(contacts: readonly Contact[]): number[] {
    const firsts: Remembered[] = []
    const firstSeen = this.#write((store) => {
      firsts.length = 0
      const times = contacts.map((contact) => {
        const known = this.#find(contact)
        if (known) {
          store.update(contact)
          return known.firstSeenMs
        }
        const status = contact.firstSeenMs < this.#baselineEndMs ? 'baseline' : 'new'
        store.insert(contact, status)
        if (status === 'new') store.addNew(contact.interface, 1)
        firsts.push({ ...contact, status, acknowledgedMs: null, note: null })
        return contact.firstSeenMs
      })
      // Before the commit: killed in between, it is told twice, and not never.
      this.#audit.write(
        'first_contact',
        firsts.map((first) => ({ ...first, atMs: first.firstSeenMs })),
      )
      return times
    })
    const fresh = firsts.filter(({ status }) => status === 'new')
    for (const { interface: iface } of fresh) {
      this.#newDestinations.set(iface, (this.#newDestinations.get(iface) ?? 0) + 1)
    }
    if (fresh.length > 0) this.#announce([...this.#announced, ...fresh], this.#unacknowledged + fresh.length)
    return firstSeen
  }

  /** Takes over what destinations count by now. What was forgotten meanwhile is new again. */
  update(contacts: readonly Contact[]): void {
    const forgotten = this.#write((store) =>
      contacts.filter((contact) => !store.update(contact) && !this.#find(contact)),
    )
    if (forgotten.length > 0)
      this.record(forgotten.map((contact) => ({ ...contact, firstSeenMs: this.#now() })))
  }

  /** Notes that destinations left the kernel's table; they stay known. */
  expire(contacts: readonly Contact[]): void {
    this.#write((store) => contacts.forEach((contact) => store.update(contact)))
    const atMs = this.#now()
    this.#audit.write(
      'expired',
      contacts.map((contact) => ({ ...contact, atMs })),
    )
  }

  /** Sees what other processes have acknowledged or forgotten, and forgets what is too old. */
  refresh(): void {
    this.#recover()
    const now = this.#now()
    if (now - this.#forgottenAtMs >= forgetEveryMs) {
      this.#forgottenAtMs = now
      this.#write((store) => {
        store.forgetBefore(now - this.#settings.retentionMs)
        store.forgetBeyond(Math.max(rememberedMost.disk, 2 * this.#settings.destinationsLimit))
      })
    }
    this.#substitute?.forgetBeyond(Math.max(rememberedMost.substitute, 2 * this.#settings.destinationsLimit))
    const store = this.#store
    if (store.version === this.#version) return
    const acknowledged = store.acknowledgedAfter(this.#acknowledgedSeenMs)
    for (const one of acknowledged) {
      const at = one.acknowledgedMs ?? 0
      this.#audit.write('acknowledged', [{ ...one, atMs: at }])
      this.#acknowledgedSeenMs = Math.max(this.#acknowledgedSeenMs, at)
    }
    this.#load()
  }

  close(): void {
    this.#disk?.close()
    this.#substitute?.close()
    this.#audit.close()
  }

  /** Where to write. */
  get #store(): Store {
    const store = this.#substitute ?? this.#disk
    if (!store) throw new Error('no store')
    return store
  }

  #find({
    interface: iface,
    destination,
  }: Pick<Contact, 'interface' | 'destination'>): Remembered | undefined {
    const found = this.#store.get(iface, destination)
    if (found || !this.#substitute || !this.#disk) return found
    try {
      return this.#disk.get(iface, destination)
    } catch {
      return undefined // it fails, which is known
    }
  }

  /** Does all or nothing, in the substitute where the disk fails. */
  #write<T>(work: (store: Store) => T): T {
    const store = this.#store
    try {
      return store.transaction(() => work(store))
    } catch (error) {
      if (store !== this.#disk) throw error
      this.#fail(error as Error)
      return this.#write(work)
    }
  }

  #openDisk(): void {
    const { storagePath } = this.#settings
    try {
      this.#disk = this.#begin(openOrSetAside(storagePath, this.#log, new Date(this.#now())))
    } catch (error) {
      this.#log.error(
        { storage_path: storagePath, reason: (error as Error).message },
        'cannot open the memory: destinations are remembered only as long as this runs',
      )
    }
  }

  #fail(error: Error): void {
    this.#log.error(
      { storage_path: this.#settings.storagePath, reason: error.message },
      'cannot write to the memory: destinations are remembered only as long as this runs, until it works again',
    )
    this.#substitute = new Store()
    this.#substitute.setFact(baselineEnd, this.#baselineEndMs)
  }

  /** Tries whether the disk works again, and hands it what it missed. */
  #recover(): void {
    const substitute = this.#substitute
    if (!substitute || this.#settings.storagePath === '') return
    try {
      const disk = (this.#disk ??= this.#begin(new Store(this.#settings.storagePath)))
      disk.transaction(() => disk.takeOver(substitute))
      this.#substitute = undefined
      substitute.close()
      this.#log.info({ storage_path: this.#settings.storagePath }, 'the memory works again')
      this.#load()
    } catch {
      // It still fails, as the log and a metric say.
    }
  }

  /** A new memory begins with its baseline. */
  #begin(store: Store): Store {
    try {
      if (store.fact(baselineEnd) === undefined) {
        store.setFact(baselineEnd, this.#now() + this.#settings.baselineMs)
      }
      return store
    } catch (error) {
      store.close()
      throw error
    }
  }

  #load(): void {
    const store = this.#store
    this.#version = store.version
    this.#baselineEndMs = store.fact(baselineEnd) ?? 0
    this.#newDestinations = store.newDestinations()
    this.#announce(store.unacknowledged(announcedMost), store.countUnacknowledged())
  }

  #announce(candidates: readonly Remembered[], unacknowledged: number): void {
    this.#announced = candidates.slice(-announcedMost)
    this.#unacknowledged = unacknowledged
  }
}

function openOrSetAside(folder: string, log: Pick<Logger, 'error'>, now: Date): Store {
  try {
    return new Store(folder)
  } catch (error) {
    if (!isCorrupt(error)) throw error
    const aside = setAside(folder, now)
    log.error(
      { reason: (error as Error).message, set_aside: aside },
      'the memory is corrupt: it was set aside, and a new one begins',
    )
    return new Store(folder)
  }
}
