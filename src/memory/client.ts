import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Contacts } from '../kernel/contacts.js'
import type { Logger } from '../log.js'
import { root } from '../root.js'
import type { Corrections } from './memory.js'
import { type MemoryState, unknownYet } from './memory-state.js'
import type { Service } from '../services/service.js'
import type { FromMemory, MemoryCall, ServiceSender, ToMemory, WorkerSettings } from './protocol.js'
import type { DestinationKey, Remembered } from './rows.js'

/** Where the bundle has `worker.ts`. */
const bundledWorker = fileURLToPath(new URL('dist/memory-worker.js', root))

/** A thread that died begins anew after so long. */
const restartAfterMs = 5_000

interface Waiting {
  readonly resolve: (result: never) => void
  readonly reject: (error: unknown) => void
}

/** A thread's own memory, in MiB; what it holds is mostly in SQLite. */
const resourceLimits = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 256, stackSizeMb: 1 }

/**
 * The memory as the main thread has it: it runs on a thread of its own, so that neither a slow disk nor a
 * reader that stalls holds anything else. Every promise may take as long as the disk: whoever must not
 * wait sets a deadline.
 */
export class MemoryClient {
  readonly #settings: WorkerSettings
  readonly #log: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly #file: string
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | undefined
  #nextId = 0
  #state = unknownYet
  #hasDied = false
  #closed = false
  #ready: Promise<void>

  /** @param file the thread's program; tests have others */
  constructor(
    settings: WorkerSettings,
    log: Pick<Logger, 'info' | 'warn' | 'error'>,
    file: string = bundledWorker,
  ) {
    this.#settings = settings
    this.#log = log
    this.#file = file
    this.#ready = this.#start()
  }

  /** As it was after the last call. */
  get state(): MemoryState {
    return this.#hasDied ? { ...this.#state, degraded: this.#settings.storagePath !== '' } : this.#state
  }

  /** Resolves once the memory is open, or has failed to. */
  ready(): Promise<void> {
    return this.#ready
  }

  /**
   * Remembers what is seen now; takes the contacts' memory with it.
   *
   * @returns when each was first seen, in ms since the Unix epoch
   */
  record(contacts: Contacts): Promise<Float64Array> {
    return this.#send<Float64Array>('record', contacts)
  }

  /** Takes over what destinations count by now. @returns what the table is to correct */
  update(contacts: Contacts): Promise<Corrections> {
    return this.#send<Corrections>('update', contacts)
  }

  /** Notes that destinations left the kernel's table; they stay known. */
  expire(contacts: Contacts): Promise<void> {
    return this.#send('expire', contacts)
  }

  /** What is remembered of each; undefined where nothing is. */
  describe(keys: readonly DestinationKey[]): Promise<(Remembered | undefined)[]> {
    return this.#call<(Remembered | undefined)[]>({ method: 'describe', keys })
  }

  /** The services of senders; undefined: that may be known a second later. */
  nameSenders(senders: readonly ServiceSender[]): Promise<(Service | undefined)[]> {
    return this.#call<(Service | undefined)[]>({ method: 'nameSenders', senders })
  }

  /** Sees what other processes have acknowledged or forgotten, and forgets what is too old. */
  refresh(): Promise<void> {
    return this.#call({ method: 'refresh' })
  }

  /** Opens the audit log anew, as logrotate wants it. */
  reopenAudit(): Promise<void> {
    return this.#call({ method: 'reopenAudit' })
  }

  /** Writes what is to be written, and ends the thread. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#call({ method: 'close' })
    await this.#worker?.terminate()
  }

  #send<T>(method: 'record' | 'update' | 'expire', { json }: Contacts): Promise<T> {
    return this.#call<T>({ method, contacts: { json } }, [json])
  }

  #call<T>(call: MemoryCall, transfer: ArrayBuffer[] = []): Promise<T> {
    const worker = this.#worker
    if (!worker) return Promise.reject(new Error('the memory has stopped'))
    const id = this.#nextId++
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      const message: ToMemory = { id, call }
      worker.postMessage(message, transfer)
    })
  }

  #start(): Promise<void> {
    const worker = new Worker(this.#file, { workerData: this.#settings, resourceLimits })
    this.#worker = worker
    // It alone keeps no process alive.
    worker.unref()
    return new Promise((resolve) => {
      worker.on('message', (message: FromMemory) => {
        this.#take(message)
        resolve()
      })
      worker.on('error', (error) =>
        this.#log.error({ err: error }, 'the memory has stopped, and begins anew'),
      )
      worker.once('exit', () => {
        resolve()
        this.#end(worker)
      })
    })
  }

  #take(message: FromMemory): void {
    if (message.kind === 'state') {
      const { announced = this.#state.announced, ...rest } = message.state
      this.#state = { ...rest, announced }
      this.#hasDied = false
    } else if (message.kind === 'log') {
      const { level, fields, words } = message
      if (words === undefined) this.#log[level](fields)
      else this.#log[level](fields, words)
    } else {
      const waiting = this.#waiting.get(message.id)
      this.#waiting.delete(message.id)
      if (message.kind === 'done') waiting?.resolve(message.result as never)
      else waiting?.reject(message.error)
    }
  }

  #end(worker: Worker): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    for (const { reject } of this.#waiting.values()) reject(new Error('the memory has stopped'))
    this.#waiting.clear()
    if (this.#closed) return
    this.#hasDied = true
    setTimeout(() => {
      if (!this.#closed) this.#ready = this.#start()
    }, restartAfterMs).unref()
  }
}
