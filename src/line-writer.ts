import type { LogSink } from './log.js'

/** What a reader who takes a moment longer may leave waiting. */
const maxWaitingBytes = 64 * 1024
const retryMs = 100

export interface LineTarget {
  /** @returns bytes that were taken without waiting; throws what write(2) says */
  readonly write: (text: Uint8Array) => number
  /** All that waited was taken, after so many lines were lost. */
  readonly flowsAgain: (lost: number) => void
}

/**
 * Writes lines at once, so that the last words of a failing process are not lost, and never waits for who
 * reads them. What is not taken is kept, so much at most; further lines are lost, and counted, until all
 * that was kept is taken. So lines are whole, and in order.
 */
export class LineWriter implements LogSink {
  readonly #target: LineTarget
  #waiting: Buffer[] = []
  #waitingBytes = 0
  /** Since the reader took everything. */
  #lostNow = 0
  #lost = 0
  #retrying = false

  constructor(target: LineTarget) {
    this.#target = target
  }

  /** Lines that were lost so far. */
  get lost(): number {
    return this.#lost
  }

  write(line: string): void {
    this.flush()
    const bytes = Buffer.from(line)
    const full = this.#waiting.length > 0 && this.#waitingBytes + bytes.length > maxWaitingBytes
    if (full || this.#lostNow > 0) {
      this.#lostNow++
      this.#lost++
      return
    }
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    this.flush()
  }

  /** Writes what waits, as far as it is taken. */
  flush(): void {
    try {
      for (let [first] = this.#waiting; first; [first] = this.#waiting) {
        const taken = this.#target.write(first)
        this.#waitingBytes -= taken
        if (taken < first.length) {
          this.#waiting[0] = first.subarray(taken)
          this.#retry()
          return
        }
        this.#waiting.shift()
      }
    } catch {
      return // a full disk or a closed pipe: the next line finds out whether that has changed
    }
    if (this.#lostNow === 0) return
    const lost = this.#lostNow
    this.#lostNow = 0
    this.#target.flowsAgain(lost)
  }

  #retry(): void {
    if (this.#retrying) return
    this.#retrying = true
    setTimeout(() => {
      this.#retrying = false
      this.flush()
    }, retryMs).unref()
  }
}
