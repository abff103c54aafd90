import { type CommandLine, loadSettings } from '../config/load.js'
import type { Settings } from '../config/settings.js'
import type { ReloadState } from '../exposition/config-reload.js'
import type { EgressCounter } from '../kernel/egress-counter.js'
import type { Logger } from '../log.js'

/** What changes while the exporter runs; all else takes a restart. */
const live = [
  'interfaces',
  'interfacesExclude',
  'prefixRules',
  'idleTimeoutMs',
  'log',
] as const satisfies readonly (keyof Settings)[]

/** Reads the configuration file again, and takes over what can change. A broken file changes nothing. */
export class ConfigReloader {
  readonly #commandLine: CommandLine
  readonly #counter: Pick<EgressCounter, 'reload'>
  readonly #log: Logger
  /** What is in force. */
  #settings: Settings
  #state: ReloadState = { successful: true, successSeconds: Date.now() / 1000 }
  #reloading: Promise<void> = Promise.resolve()
  /** One that begins when the one under way has ended. */
  #waiting: Promise<void> | undefined

  constructor(
    commandLine: CommandLine,
    settings: Settings,
    counter: Pick<EgressCounter, 'reload'>,
    log: Logger,
  ) {
    this.#commandLine = commandLine
    this.#settings = settings
    this.#counter = counter
    this.#log = log
  }

  get state(): ReloadState {
    return this.#state
  }

  /** Reads it once more, after a reload under way; once for all who ask meanwhile. Never rejects. */
  reload(): Promise<void> {
    this.#waiting ??= this.#reloading.then(() => {
      this.#waiting = undefined
      return this.#reloadOnce()
    })
    this.#reloading = this.#waiting
    return this.#reloading
  }

  async #reloadOnce(): Promise<void> {
    const { configFile } = this.#commandLine
    if (configFile === undefined) {
      this.#log.warn('there is no --config.file to read again')
      return
    }
    try {
      const settings = await loadSettings(this.#commandLine)
      await this.#counter.reload(settings)
      this.#log.level = settings.log.level
      const waiting = (Object.keys(settings) as (keyof Settings)[]).filter(
        (name) =>
          !(live as readonly string[]).includes(name) &&
          JSON.stringify(settings[name]) !== JSON.stringify(this.#settings[name]),
      )
      this.#settings = {
        ...this.#settings,
        ...Object.fromEntries(live.map((name) => [name, settings[name]])),
      }
      this.#state = { successful: true, successSeconds: Date.now() / 1000 }
      this.#log.info({ file: configFile }, 'read the configuration again')
      if (waiting.length > 0) {
        this.#log.warn({ settings: waiting.join(',') }, 'these settings changed, and wait for a restart')
      }
    } catch (error) {
      this.#state = { ...this.#state, successful: false }
      this.#log.error(
        { file: configFile, reason: (error as Error).message },
        'cannot read the configuration again: the old settings stay',
      )
    }
  }
}
