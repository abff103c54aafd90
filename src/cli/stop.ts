import { ExitCode } from '../errors.js'
import type { System } from '../kernel/system.js'
import type { Logger } from '../log.js'

/** So long a stop may take. docs/flags.md and docs/architecture.md have this figure. */
const deadlineMs = 10_000
/** Where not even the event loop runs any more; this is later, since it cannot say what hangs. */
const lastResortSeconds = 15

/** SIGINT or SIGTERM: the process ends, whatever hangs; with a second one at once. */
export class Stop {
  /** Aborted with the signal's name. */
  readonly signal: AbortSignal
  /** What is awaited now, in words; said if it hangs. */
  awaits = 'the start'
  /** What is to be done even then, without waiting. */
  atLast: () => void = () => undefined
  readonly #system: Pick<System, 'setStopDeadline' | 'exitNow'>
  readonly #log: Pick<Logger, 'error'>

  constructor(system: Pick<System, 'setStopDeadline' | 'exitNow'>, log: Pick<Logger, 'error'>) {
    this.#system = system
    this.#log = log
    const controller = new AbortController()
    this.signal = controller.signal
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        if (controller.signal.aborted) return
        setTimeout(() => this.#end(), deadlineMs).unref()
        controller.abort(signal)
      })
    }
    system.setStopDeadline(lastResortSeconds)
  }

  #end(): void {
    this.#log.error({ awaits: this.awaits, seconds: deadlineMs / 1000 }, 'the stop hangs: it ends now')
    try {
      this.atLast()
    } finally {
      this.#system.exitNow(ExitCode.failed)
    }
  }
}
