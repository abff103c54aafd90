import { closeSync, existsSync, fstatSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import type { AuditSettings } from '../config/settings.js'
import type { Logger } from '../log.js'
import { protocolName } from './protocols.js'
import type { Remembered } from './store.js'

export type AuditEvent = 'first_contact' | 'acknowledged' | 'expired'

type Subject = Pick<Remembered, 'interface' | 'destination' | 'protocol' | 'port'> & {
  /** When it happened, in ms since the Unix epoch. */
  readonly atMs: number
  readonly status?: string
  readonly note?: string | null
}

/** Rotated files that are kept, FILE.1 the newest. */
const filesKept = 5

/** One JSON line for each event; docs/audit-log.schema.json describes them. */
export class AuditLog {
  readonly #settings: AuditSettings
  readonly #log: Pick<Logger, 'error'>
  #descriptor: number | undefined
  #failing = false

  constructor(settings: AuditSettings, log: Pick<Logger, 'error'>) {
    this.#settings = settings
    this.#log = log
    this.reopen()
  }

  /** Whether events are being lost. */
  get failing(): boolean {
    return this.#failing
  }

  /** Opens the file anew, as logrotate wants it. A file that cannot be opened is an error in the log. */
  reopen(): void {
    this.close()
    const { file } = this.#settings
    if (file === '') return
    this.#attempt(() => {
      this.#descriptor = file === '-' ? 1 : openSync(file, 'a', 0o600)
    })
  }

  /** Writes events and sees to it that they are on the disk. What cannot be written is in the log. */
  write(event: AuditEvent, subjects: readonly Subject[]): void {
    if (this.#settings.file === '' || subjects.length === 0) return
    const lines = subjects.map(({ atMs, interface: iface, destination, protocol, port, status, note }) =>
      JSON.stringify({
        time: new Date(atMs).toISOString(),
        event,
        host: hostname(),
        interface: iface,
        destination,
        protocol: protocolName(protocol),
        ...(port !== 0 && { port }),
        ...(status !== undefined && { status }),
        ...(note != null && { note }),
      }),
    )
    if (this.#descriptor === undefined) this.reopen()
    const descriptor = this.#descriptor
    if (descriptor === undefined) return
    this.#attempt(() => {
      writeSync(descriptor, `${lines.join('\n')}\n`)
      if (this.#settings.file === '-') return
      fsyncSync(descriptor)
      const { maxBytes } = this.#settings
      if (maxBytes > 0 && fstatSync(descriptor).size >= maxBytes) this.#rotate()
    })
  }

  #rotate(): void {
    const { file } = this.#settings
    for (let number = filesKept - 1; number >= 1; number--) {
      if (existsSync(`${file}.${number}`)) renameSync(`${file}.${number}`, `${file}.${number + 1}`)
    }
    renameSync(file, `${file}.1`)
    this.reopen()
  }

  #attempt(action: () => void): void {
    try {
      action()
      this.#failing = false
    } catch (error) {
      if (!this.#failing)
        this.#log.error(
          { file: this.#settings.file, reason: (error as Error).message },
          'cannot write the audit log: events are lost until it can be written',
        )
      this.#failing = true
    }
  }

  close(): void {
    if (this.#descriptor !== undefined && this.#settings.file !== '-') closeSync(this.#descriptor)
    this.#descriptor = undefined
  }
}
