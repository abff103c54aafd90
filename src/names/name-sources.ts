import { existsSync } from 'node:fs'
import type { Settings } from '../config/settings.js'
import { ExitCode, UserError } from '../errors.js'
import { explain } from '../kernel/explain.js'
import { type AnswerCounts, makeNames, type NameListener, type NativeNames } from '../kernel/names.js'
import type { Logger } from '../log.js'
import { monitorPath, ResolvedMonitor } from './resolved-monitor.js'

/** Where answers are seen: on the wire, and by systemd-resolved's own word. */
export type NameSource = 'dns' | 'resolved'

/** What the sources say of themselves. */
export interface NamesState {
  /** Those that there are, or that somebody wanted, and whether they are heard now. */
  readonly up: ReadonlyMap<NameSource, boolean>
  readonly counts: AnswerCounts
}

type NamesSettings = Pick<Settings, 'names' | 'namesLimit' | 'ipv4PrefixLength' | 'ipv6PrefixLength'>
type NamesLog = Pick<Logger, 'info' | 'warn'>

/** A source that went is asked for again so often. */
const retryMs = 30_000

/**
 * The names of destinations, from answers of the DNS that others asked for. Nothing is asked here, ever.
 * Opened before privileges go.
 */
export class NameSources implements NameListener {
  readonly native: NativeNames
  readonly #log: NamesLog
  readonly #up = new Map<NameSource, boolean>()
  #monitor: ResolvedMonitor | undefined
  #retry: NodeJS.Timeout | undefined
  #chosen = false
  #closed = false

  /**
   * Opens what `--names` wants.
   *
   * @returns undefined: there is none, so that names are not known
   * @throws UserError if one that was named cannot be had
   */
  static async open(settings: NamesSettings, log: NamesLog): Promise<NameSources | undefined> {
    if (settings.names === 'none') return undefined
    const sources = new NameSources(settings, log)
    try {
      await sources.#open(settings.names)
    } catch (error) {
      sources.close()
      throw error
    }
    if (sources.#up.size > 0) return sources
    sources.close()
    return undefined
  }

  private constructor(settings: NamesSettings, log: NamesLog) {
    this.native = makeNames(settings)
    this.#log = log
  }

  get state(): NamesState {
    return { up: this.#up, counts: this.native.state() }
  }

  /** Listens on these interfaces, and on the loopback interface. */
  choose(ifindexes: readonly number[]): void {
    if (this.#up.has('dns')) this.native.choose(ifindexes)
    this.#chosen = true
    this.#judge()
  }

  /** Idempotent. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#retry)
    this.#monitor?.close()
    this.native.close()
  }

  async #open(wanted: 'auto' | NameSource): Promise<void> {
    if (wanted !== 'resolved') this.#listen(wanted === 'dns')
    if (wanted === 'resolved' || (wanted === 'auto' && existsSync(monitorPath))) {
      try {
        await this.#connect()
      } catch (error) {
        const { message } = error as Error
        if (wanted === 'resolved') {
          throw new UserError(
            `--names=resolved: cannot hear what systemd-resolved answers (${monitorPath}): ${message}; it takes systemd-resolved 252 or newer, and root`,
            ExitCode.unsupported,
            { cause: error },
          )
        }
        this.#log.info({ reason: message }, 'without the names that systemd-resolved answers')
      }
    }
    if (this.#up.size > 0)
      this.#log.info(
        { sources: [...this.#up.keys()].join(',') },
        'destinations get the names that led to them',
      )
  }

  #listen(isWanted: boolean): void {
    try {
      this.native.listen()
      this.#up.set('dns', true)
    } catch (error) {
      const explained = explain(error) as Error
      if (isWanted) throw explained
      this.#log.info({ reason: explained.message }, 'without the names that DNS answers on the wire have')
    }
  }

  async #connect(): Promise<void> {
    const monitor = new ResolvedMonitor({
      answer: (message) => this.native.takeResolved(message),
      malformed: () => this.native.countMalformed(),
      ended: (reason) => this.#lose(reason),
    })
    await monitor.ready
    this.#monitor = monitor
    if (this.#closed) monitor.close()
    this.#up.set('resolved', true)
    this.#judge()
  }

  #lose(reason: string): void {
    if (this.#closed) return
    this.#up.set('resolved', false)
    this.#judge()
    this.#log.warn(
      { reason },
      'systemd-resolved has gone, and with it the names that it alone answers: start the exporter again once it is back, since only the start has the privileges to listen to it',
    )
    this.#retryLater()
  }

  #retryLater(): void {
    this.#retry = setTimeout(() => {
      this.#connect().then(
        () => this.#log.info('systemd-resolved is heard again'),
        () => {
          if (!this.#closed) this.#retryLater()
        },
      )
    }, retryMs).unref()
  }

  /** Without any source nothing is a bare address. */
  #judge(): void {
    if (this.#closed) return
    if (this.#chosen && [...this.#up.values()].includes(true)) this.native.begin()
    else this.native.end()
  }
}
