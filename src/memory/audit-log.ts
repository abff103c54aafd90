import { existsSync, renameSync } from 'node:fs'
import { hostname } from 'node:os'
import type { AuditSettings } from '../config/settings.js'
import type { Logger } from '../log.js'
import { AuditFile } from './audit-file.js'
import type { AuditState } from './memory-state.js'
import { protocolName } from '../protocols.js'
import type { StoredEvent } from './rows.js'
import type { Store } from './store.js'

/** Rotated files that are kept, FILE.1 the newest. */
const filesKept = 5

/** Written and synced together. */
const batch = 1_024

/** More are given up, the oldest first: about 20 MB in the database. */
const maxPending = 100_000

/**
 * Writes what the memory has down as events, one JSON line each, in order and at least once;
 * docs/audit-log.schema.json describes them.
 */
export class AuditLog {
  readonly #settings: AuditSettings
  readonly #log: Pick<Logger, 'info' | 'error'>
  #file: AuditFile | undefined
  #failing = false
  #written = 0
  #lost = 0
  /** The newest event that was written, where it could not be removed from its store. */
  readonly #writtenUpTo = new WeakMap<Store, number>()

  constructor(settings: AuditSettings, log: Pick<Logger, 'info' | 'error'>) {
    this.#settings = settings
    this.#log = log
    this.reopen()
  }

  state(store: Store): AuditState {
    return {
      written: this.#written,
      pending: this.#settings.file === '' ? 0 : this.#pending(store),
      lost: this.#lost,
      failing: this.#failing,
    }
  }

  /** Opens the file anew, as logrotate wants it. A file that cannot be opened is an error in the log. */
  reopen(): void {
    this.close()
    if (this.#settings.file === '') return
    try {
      this.#file = new AuditFile(this.#settings.file)
    } catch (error) {
      this.#fail(error as NodeJS.ErrnoException)
    }
  }

  /**
   * Writes the oldest events of a store.
   *
   * @returns whether there are more, and it would take them now
   */
  write(store: Store): boolean {
    if (this.#settings.file === '') return false
    this.#giveUp(store)
    const events = store.events(this.#writtenUpTo.get(store) ?? 0, batch)
    if (events.length === 0) return false
    if (!this.#file || this.#file.isDeleted) this.reopen()
    const { taken, error } = this.#file?.append(events.map(toLine)) ?? { taken: 0 }
    const last = events[taken - 1]
    if (last) this.#remove(store, last.id)
    this.#written += taken
    if (error) this.#fail(error)
    else if (this.#file) this.#succeed()
    return taken === batch
  }

  close(): void {
    this.#file?.close()
    this.#file = undefined
  }

  #pending(store: Store): number {
    const { first, last } = store.eventIds()
    return last === 0 ? 0 : last - Math.max(first - 1, this.#writtenUpTo.get(store) ?? 0)
  }

  #giveUp(store: Store): void {
    const excess = this.#pending(store) - maxPending
    if (excess <= 0) return
    this.#remove(store, store.eventIds().last - maxPending)
    this.#lost += excess
  }

  #remove(store: Store, upTo: number): void {
    this.#writtenUpTo.set(store, upTo)
    try {
      store.transaction(() => store.removeEvents(upTo))
    } catch {
      // The store fails, as whoever writes to it notices; what is written is not written twice.
    }
  }

  #succeed(): void {
    if (this.#failing) this.#log.info({ file: this.#settings.file }, 'the audit log can be written again')
    this.#failing = false
    const { maxBytes } = this.#settings
    if (maxBytes > 0 && this.#file?.isRegular && this.#file.size >= maxBytes) this.#rotate()
  }

  #fail(error: NodeJS.ErrnoException): void {
    // Whoever comes to read finds it opened.
    if (error.code === 'ENXIO' || error.code === 'EPIPE') this.close()
    if (this.#failing) return
    this.#failing = true
    const reason = error.code === 'EAGAIN' ? 'nobody reads it' : error.message
    this.#log.error(
      { file: this.#settings.file, reason },
      'cannot write the audit log: its events wait in the memory until it can be written',
    )
  }

  #rotate(): void {
    const { file } = this.#settings
    try {
      for (let number = filesKept - 1; number >= 1; number--) {
        if (existsSync(`${file}.${number}`)) renameSync(`${file}.${number}`, `${file}.${number + 1}`)
      }
      renameSync(file, `${file}.1`)
      this.reopen()
    } catch (error) {
      this.#log.error({ file, reason: (error as Error).message }, 'cannot begin a new audit log')
    }
  }
}

function toLine({ atMs, event, protocol, port, ...rest }: StoredEvent): Buffer {
  const { service, uid, name, novelty, network, asn, asName, country, status, note, reason, actor } = rest
  const line = {
    time: new Date(atMs).toISOString(),
    event,
    host: hostname(),
    interface: rest.interface,
    destination: rest.destination,
    protocol: protocolName(protocol),
    ...(port !== 0 && { port }),
    ...(service !== null && { service }),
    ...(uid !== null && { uid }),
    ...(name !== null && { name }),
    ...(novelty !== null && { novelty }),
    ...(network !== null && { network }),
    ...(asn !== null && { asn }),
    ...(asName !== null && { as_name: asName }),
    ...(country !== null && { country }),
    ...(status !== null && { status }),
    ...(note !== null && { note }),
    ...(reason !== null && { reason }),
    ...(actor !== null && { actor }),
  }
  return Buffer.from(`${JSON.stringify(line)}\n`)
}
