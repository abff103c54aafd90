import { connect, type Socket } from 'node:net'
import { toMessage } from './resolved-answer.js'

/** Where systemd-resolved has it, for root. */
export const monitorPath = '/run/systemd/resolve/io.systemd.Resolve.Monitor'

/** It answers at once, or not at all. */
const answerMs = 2_000

/** An answer in JSON is several times as long as on the wire, where it has 64 KiB at most. */
const maxTextBytes = 1_048_576

const subscribe = `${JSON.stringify({ method: 'io.systemd.Resolve.Monitor.SubscribeQueryResults', parameters: {}, more: true })}\0`

/** What it may say; whether it does is looked at. */
interface Reply {
  readonly error?: unknown
  readonly parameters?: { readonly ready?: unknown } & Parameters<typeof toMessage>[0]
}

/** Whoever is told. */
export interface MonitorListener {
  /** An answer, as it would have been on the wire. */
  answer(message: Buffer): void
  /** It said what it should not say. */
  malformed(): void
  /** It has gone, or was closed. */
  ended(reason: string): void
}

/**
 * What systemd-resolved answers to whom it serves, by its varlink interface io.systemd.Resolve.Monitor: texts that
 * end with a zero byte. Asks nothing of it but that.
 */
export class ResolvedMonitor {
  readonly #socket: Socket
  readonly #listener: MonitorListener
  #rest: Buffer[] = []
  #restBytes = 0
  #reason = 'it closed the connection'
  /** Resolves once it is listened to; rejects where that fails. */
  readonly ready: Promise<void>
  #settle: { resolve(): void; reject(error: Error): void } | undefined

  /** Connects at once: whoever may do so now may not be allowed to later. */
  constructor(listener: MonitorListener, path = monitorPath) {
    this.#listener = listener
    this.ready = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    this.#socket = connect(path)
    this.#socket.setTimeout(answerMs, () => this.#fail('it does not answer'))
    this.#socket.on('data', (bytes: Buffer) => this.#take(bytes))
    this.#socket.on('error', (error) => (this.#reason = error.message))
    this.#socket.on('close', () => this.#end())
    this.#socket.write(subscribe)
  }

  /** Idempotent. */
  close(): void {
    this.#socket.destroy()
  }

  #fail(reason: string): void {
    this.#reason = reason
    this.#socket.destroy()
  }

  #end(): void {
    if (this.#settle) this.#settle.reject(new Error(this.#reason))
    else this.#listener.ended(this.#reason)
    this.#settle = undefined
  }

  #take(bytes: Buffer): void {
    for (let from = 0; from < bytes.length;) {
      const end = bytes.indexOf(0, from)
      const part = bytes.subarray(from, end < 0 ? bytes.length : end)
      this.#rest.push(part)
      this.#restBytes += part.length
      if (this.#restBytes > maxTextBytes) this.#fail('it says more than it should')
      if (end < 0 || this.#socket.destroyed) return
      const text = Buffer.concat(this.#rest).toString()
      this.#rest = []
      this.#restBytes = 0
      this.#read(text)
      from = end + 1
    }
  }

  #begin(isReady: boolean): void {
    if (!isReady) {
      this.#fail('it says something else than that it is ready')
      return
    }
    this.#socket.setTimeout(0)
    // It alone keeps no process alive; the start awaits it.
    this.#socket.unref()
    this.#settle?.resolve()
    this.#settle = undefined
  }

  #read(text: string): void {
    try {
      const { error, parameters } = JSON.parse(text) as Reply
      if (typeof error === 'string') this.#fail(`it says ${error}`)
      else if (this.#settle) this.#begin(parameters?.ready === true)
      else {
        const message = toMessage(parameters ?? {})
        if (message) this.#listener.answer(message)
      }
    } catch {
      // Counted, since there may be many.
      this.#listener.malformed()
    }
  }
}
