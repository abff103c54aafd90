import type { System } from '../kernel/system.js'
import type { Logger } from '../log.js'

/** Variables that a service manager sets, as sd_notify(3) and sd_watchdog_enabled(3) have them. */
type Environment = Readonly<Record<string, string | undefined>>

/**
 * Tells the service manager (systemd) how this service is: when it serves, reads its configuration again
 * or stops, and that its event loop runs. Where none asked for it, nothing is sent.
 */
export class ServiceManager {
  readonly #system: Pick<System, 'notifyServiceManager'>
  readonly #log: Pick<Logger, 'warn'>
  readonly #socket: string
  readonly #watchdog: NodeJS.Timeout | undefined
  #failed = false

  constructor(
    system: Pick<System, 'notifyServiceManager'>,
    log: Pick<Logger, 'warn'>,
    environment: Environment = process.env,
  ) {
    this.#system = system
    this.#log = log
    this.#socket = environment['NOTIFY_SOCKET'] ?? ''
    const milliseconds = watchdogMs(environment)
    if (milliseconds > 0) {
      // Two of three may be late.
      this.#watchdog = setInterval(() => this.#send('WATCHDOG=1'), milliseconds / 3).unref()
    }
  }

  /** @param status what it does, for people */
  ready(status: string): void {
    this.#send('READY=1', `STATUS=${status}`)
  }

  /** Until ready() says that it is done. */
  reloading(): void {
    this.#send('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`)
  }

  stopping(): void {
    this.#send('STOPPING=1')
  }

  close(): void {
    clearInterval(this.#watchdog)
  }

  #send(...lines: string[]): void {
    if (this.#socket === '') return
    try {
      this.#system.notifyServiceManager(this.#socket, lines.join('\n'))
    } catch (error) {
      // Once: whoever does not listen will not for long.
      if (!this.#failed)
        this.#log.warn({ reason: (error as Error).message }, 'cannot tell the service manager')
      this.#failed = true
    }
  }
}

/** How long it may be silent; 0: as long as it likes, or another process is meant. */
function watchdogMs(environment: Environment): number {
  const { WATCHDOG_USEC: microseconds = '', WATCHDOG_PID: pid } = environment
  if (pid !== undefined && pid !== String(process.pid)) return 0
  return /^\d+$/.test(microseconds) ? Number(microseconds) / 1000 : 0
}
