import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs'
import { Socket } from 'node:net'

const { O_APPEND, O_CREAT, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants

/** By these names people mean standard output, of which not every kind can be opened by its name. */
const standardOutput = ['-', '/dev/stdout', '/dev/fd/1', '/proc/self/fd/1']

/** How far an append went, and why no further. */
export interface Appended {
  /** Lines that are out. */
  readonly taken: number
  readonly error?: NodeJS.ErrnoException
}

/**
 * Where lines go: a regular file, a FIFO, or whatever standard output is. It takes whole lines, says how
 * many, and never waits for a reader.
 */
export class AuditFile {
  readonly #descriptor: number
  /** What a pipe is still to get of a line that it took a part of. */
  #rest: Buffer | undefined
  /** Whether what is there ends in the middle of a line. */
  #torn: boolean

  /** @throws Error of the file system; ENXIO: a FIFO that nobody reads */
  constructor(name: string) {
    const isStandardOutput = standardOutput.includes(name)
    this.#descriptor = isStandardOutput ? openStandardOutput() : openFile(name)
    this.#torn = this.isRegular && endsTorn(isStandardOutput ? '/proc/self/fd/1' : name, this.size)
  }

  get isRegular(): boolean {
    return fstatSync(this.#descriptor).isFile()
  }

  /** In bytes. */
  get size(): number {
    return fstatSync(this.#descriptor).size
  }

  /** Whether its name is gone, so that what is written would be lost. */
  get isDeleted(): boolean {
    const stats = fstatSync(this.#descriptor)
    return stats.isFile() && stats.nlink === 0
  }

  /**
   * Appends lines, and sees to it that they are on the disk. Where it takes less than all, the next call
   * is to begin with the first line that is not out.
   */
  append(lines: readonly Buffer[]): Appended {
    let taken = 0
    let error: NodeJS.ErrnoException | undefined
    try {
      if (this.#torn) this.#write(Buffer.from('\n'))
      this.#torn = false
      for (const line of lines) {
        this.#write(this.#rest ?? line)
        this.#rest = undefined
        taken++
      }
    } catch (reason) {
      error = reason as NodeJS.ErrnoException
    }
    try {
      // Pipes and terminals have nothing to sync, and say EINVAL.
      if (taken > 0 && this.isRegular) fsyncSync(this.#descriptor)
    } catch (reason) {
      return { taken: 0, error: reason as NodeJS.ErrnoException }
    }
    return { taken, ...(error && { error }) }
  }

  close(): void {
    if (this.#descriptor !== 1) closeSync(this.#descriptor)
  }

  #write(bytes: Buffer): void {
    const before = this.isRegular ? this.size : undefined
    let written = 0
    try {
      while (written < bytes.length) written += writeSync(this.#descriptor, bytes, written)
    } catch (error) {
      if (written > 0) this.#interrupted(bytes.subarray(written), before)
      throw error
    }
  }

  /** A file is cut back to its last whole line; a pipe cannot take back what it has. */
  #interrupted(rest: Buffer, sizeBefore: number | undefined): void {
    if (sizeBefore === undefined) {
      this.#rest = rest
      return
    }
    try {
      ftruncateSync(this.#descriptor, sizeBefore)
    } catch {
      this.#torn = true
    }
  }
}

function openFile(name: string): number {
  return openSync(name, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o600)
}

function openStandardOutput(): number {
  try {
    // Opened anew it can be non-blocking without being so for others that share it.
    return openSync('/proc/self/fd/1', O_WRONLY | O_APPEND | O_NONBLOCK)
  } catch {
    // A socket, as under systemd. Node sets it to non-blocking.
    new Socket({ fd: 1, readable: false, writable: true }).unref()
    return 1
  }
}

function endsTorn(name: string, size: number): boolean {
  if (size === 0) return false
  try {
    const descriptor = openSync(name, O_RDONLY)
    const last = Buffer.alloc(1)
    try {
      readSync(descriptor, last, 0, 1, size - 1)
    } finally {
      closeSync(descriptor)
    }
    return last[0] !== 10
  } catch {
    return false // it may be appended to, and not read
  }
}
