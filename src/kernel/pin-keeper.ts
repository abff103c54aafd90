import type { Logger } from '../log.js'
import type { NativeExporter } from './native/exporter.js'
import type { KeptPins } from './native/pins.js'

/** Others can remove pins at any time, without a word. */
const intervalMs = 5_000

/** Looks after the pins, pins anew what somebody removed, and knows what will not outlive the process. */
export class PinKeeper {
  readonly #exporter: Pick<NativeExporter, 'keepPins'>
  readonly #path: string
  readonly #log: Pick<Logger, 'warn'>
  readonly #timer: NodeJS.Timeout | undefined
  #lost: readonly string[] = []

  /** @param path empty: nothing is pinned */
  constructor(exporter: Pick<NativeExporter, 'keepPins'>, path: string, log: Pick<Logger, 'warn'>) {
    this.#exporter = exporter
    this.#path = path
    this.#log = log
    if (path !== '') this.#timer = setInterval(() => void this.look(), intervalMs).unref()
  }

  /** Whether all that counts is pinned; undefined: it is not to be. */
  get pinned(): boolean | undefined {
    return this.#path === '' ? undefined : this.#lost.length === 0
  }

  /** Looks now. Never rejects. */
  async look(): Promise<void> {
    if (this.#path === '') return
    const { anew, lost, reason } = await this.#exporter.keepPins().catch(unknown)
    if (anew.length > 0)
      this.#log.warn({ pin_path: this.#path, pins: anew.join() }, 'somebody removed these pins: pinned anew')
    const before = this.#lost
    this.#lost = lost
    if (lost.length > 0 && lost.join() !== before.join())
      this.#log.warn(
        { pin_path: this.#path, pins: lost.join(), reason },
        'these cannot be pinned: what they count ends with the exporter',
      )
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

/** The exporter is closed, or the kernel does not say what there is. */
const unknown = (error: Error): KeptPins => ({ anew: [], lost: ['all'], reason: error.message })
