import { existsSync } from 'node:fs'
import type { Logger } from '../log.js'
import { Overlay } from './overlay.js'
import type { Remembered } from './rows.js'
import { isInPlace, isStorageError, openReadOnly, summaryOf } from './probes.js'
import { openAnew, openDisk, type Place } from './open-disk.js'
import { isCorrupt } from './set-aside.js'
import { maxAnnounced, type MemoryStore, type Summary } from './memory-store.js'
import { databaseFile } from './database-file.js'
import { Store } from './store.js'
import { carryOn, copyFacts, takeOver } from './take-over.js'

export type StoreLog = Pick<Logger, 'info' | 'warn' | 'error'>

const nothing: Summary = { newDestinations: new Map(), announced: [], unacknowledged: 0 }

/**
 * The database on the disk, and while that fails one in memory over it. What users see is then what the
 * disk last held and what came since; the disk takes that over when it works again.
 */
export class FailoverStore {
  readonly #folder: string
  readonly #log: StoreLog
  readonly #begin: (store: Store) => void
  readonly #place: Place
  readonly #shown: () => Summary
  readonly #hold: () => void
  /** As it was opened last; it may fail. */
  #disk: Store | undefined
  /** What is remembered while the disk fails, or always where nothing is to be kept. */
  #substitute: Store | undefined
  /** What the disk held when it failed. */
  #beneath = nothing
  /** Whether it can tell what was seen before: not where there is a database that cannot be read. */
  #certain = true
  #generation = 0

  /**
   * @param folder of the database; empty: nothing outlives the process
   * @param begin gives a store what each must have, and may find that it is corrupt
   * @param shown what users see: all that is left where a disk cannot even be read any more
   * @param hold keeps others out of the folder, which somebody may have removed; throws where that fails
   */
  constructor(
    folder: string,
    log: StoreLog,
    begin: (store: Store) => void,
    shown: () => Summary,
    hold: () => void,
  ) {
    this.#folder = folder
    this.#log = log
    this.#begin = begin
    this.#shown = shown
    this.#hold = hold
    this.#place = { folder, log, begin }
    if (folder === '') this.#substitute = this.#openSubstitute()
    else this.#openAtStart()
  }

  /** Whether something is remembered only as long as the process runs, although it should be longer. */
  get degraded(): boolean {
    return this.#folder !== '' && this.#substitute !== undefined
  }

  get certain(): boolean {
    return this.#certain
  }

  /** Changes when another store has taken the place of the one before. */
  get generation(): number {
    return this.#generation
  }

  /** Where facts, and events that the audit log is to tell, are kept now. */
  get current(): Store {
    const store = this.#substitute ?? this.#disk
    if (!store) throw new Error('no store')
    return store
  }

  /** Changes when another process has written. */
  get version(): number {
    return this.#read((store) => store.version)
  }

  get(iface: string, destination: string): Remembered | undefined {
    return this.#view().get(iface, destination)
  }

  /** Does all or nothing: on the disk, or where that fails beside it. */
  transaction<T>(work: (store: MemoryStore, whole: Store) => T): T {
    const { disk } = this
    if (disk) {
      const attempt = this.#attempt(disk, () => disk.transaction(() => work(disk, disk)))
      return attempt ? attempt.value : this.transaction(work)
    }
    const substitute = this.current
    return substitute.transaction(() => work(this.#view(), substitute))
  }

  /** How many destinations are remembered, at most. */
  count(): number {
    return this.#read((store) => store.count())
  }

  /** All that is remembered, and what came since the disk failed. */
  summary(): Summary {
    const current = this.#read((store) => store.summary())
    if (!this.degraded) return current
    const newDestinations = new Map(this.#beneath.newDestinations)
    for (const [iface, count] of current.newDestinations) {
      newDestinations.set(iface, (newDestinations.get(iface) ?? 0) + count)
    }
    return {
      newDestinations,
      announced: [...this.#beneath.announced, ...current.announced].slice(0, maxAnnounced),
      unacknowledged: this.#beneath.unacknowledged + current.unacknowledged,
    }
  }

  /** Notices what became of the file, and whether a disk that failed works again. */
  refresh(): void {
    if (this.degraded) this.#recover()
    else if (this.#disk && !isInPlace(this.#disk)) {
      this.#attempt(this.#disk, (disk) => this.#relocate(disk))
    }
  }

  close(): void {
    this.#disk?.close()
    this.#substitute?.close()
    this.#disk = this.#substitute = undefined
  }

  /** The disk, while it works. */
  private get disk(): Store | undefined {
    return this.#substitute ? undefined : this.#disk
  }

  #view(): MemoryStore {
    return this.disk ?? (this.#folder === '' ? this.current : new Overlay(this.current, this.#disk))
  }

  /** Reads from the store in use; what fails on the disk is asked of what takes its place. */
  #read<T>(ask: (store: Store) => T): T {
    const attempt = this.disk && this.#attempt(this.disk, ask)
    return attempt ? attempt.value : ask(this.current)
  }

  /** @returns undefined if the disk failed, and something else has taken its place */
  #attempt<T>(disk: Store, action: (disk: Store) => T): { readonly value: T } | undefined {
    try {
      return { value: action(disk) }
    } catch (error) {
      if (!isStorageError(error)) throw error
      if (isCorrupt(error)) this.#replaceCorrupt(error as Error)
      else this.#fail(error as Error)
      return undefined
    }
  }

  #openAtStart(): void {
    try {
      this.#disk = openDisk(this.#place)
      return
    } catch (error) {
      this.#log.error(
        { storage_path: this.#folder, reason: (error as Error).message },
        'cannot open the memory: destinations are remembered only as long as this runs, until it works',
      )
    }
    this.#disk = openReadOnly(this.#folder)
    this.#certain = this.#disk !== undefined || !existsSync(databaseFile(this.#folder))
    this.#stepIn()
  }

  #openSubstitute(): Store {
    const store = new Store()
    try {
      if (this.#disk) copyFacts(this.#disk, store)
    } catch {
      this.#certain = false
    }
    this.#begin(store)
    return store
  }

  #replaceCorrupt(reason: Error): void {
    const before = this.#shown()
    this.#disk?.close()
    this.#disk = undefined
    try {
      const disk = openAnew(this.#place, reason)
      this.#disk = disk
      disk.transaction(() => carryOn(disk, before))
      this.#generation++
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  #fail(error: Error): void {
    this.#log.error(
      { storage_path: this.#folder, reason: error.message },
      'cannot write to the memory: destinations are remembered only as long as this runs, until it works again',
    )
    this.#stepIn()
    this.#generation++
  }

  #stepIn(): void {
    this.#beneath = (this.#disk && summaryOf(this.#disk)) ?? this.#shown()
    this.#substitute = this.#openSubstitute()
  }

  /**
   * Tries whether the disk works again, and hands it what it missed.
   *
   * @returns why it does not
   */
  #recover(): Error | undefined {
    const substitute = this.current
    let opened: Store | undefined
    try {
      this.#hold()
      // One that could only be read, or not at all, is opened anew.
      const usable = this.#disk && isInPlace(this.#disk) && !this.#disk.readonly ? this.#disk : undefined
      const disk = usable ?? (opened = openDisk(this.#place, substitute))
      disk.patient = false
      disk.transaction(() => takeOver(disk, substitute))
      disk.patient = true
      if (opened) this.#disk?.close()
      this.#disk = disk
    } catch (error) {
      opened?.close()
      return error as Error
    }
    this.#substitute = undefined
    substitute.close()
    this.#certain = true
    this.#generation++
    this.#log.info({ storage_path: this.#folder }, 'the memory works again')
    return undefined
  }

  /**
   * Somebody deleted or exchanged the file: what is remembered goes to where it is looked for. The old one
   * is closed before another is opened: they would share the log beside them, by its name.
   */
  #relocate(old: Store): void {
    const copy = new Store()
    copyFacts(old, copy)
    copy.transaction(() => takeOver(copy, old))
    old.closeDisplaced()
    this.#disk = undefined
    this.#beneath = nothing
    this.#substitute = copy
    this.#generation++
    this.#log.warn(
      { storage_path: this.#folder },
      "the memory's file was removed or exchanged: what it held goes to the one that is there now",
    )
    const failure = this.#recover()
    if (failure)
      this.#log.error(
        { storage_path: this.#folder, reason: failure.message },
        'nothing can be written there: destinations are remembered only as long as this runs, until it can',
      )
  }
}
