import type { Socket } from 'node:net'

/** Far more than scrapers and people need, and few enough for any limit of open files. */
const most = 1_000

/**
 * The open connections. Beyond a number of them, a newcomer takes the place of the one that has waited
 * longest without any request, so that whoever only opens connections shuts nobody out.
 */
export class Connections {
  readonly #most: number
  /** Oldest first; by address and port, which its TLS socket shares. */
  readonly #silent = new Map<string, Socket>()
  readonly #all = new Set<Socket>()

  constructor(mostAtOnce = most) {
    this.#most = mostAtOnce
  }

  get count(): number {
    return this.#all.size
  }

  add(socket: Socket): void {
    const key = keyOf(socket)
    this.#all.add(socket)
    this.#silent.set(key, socket)
    socket.once('close', () => {
      this.#all.delete(socket)
      if (this.#silent.get(key) === socket) this.#silent.delete(key)
    })
    if (this.#all.size <= this.#most) return
    const [oldest] = this.#silent
    if (!oldest) return
    this.#silent.delete(oldest[0])
    oldest[1].destroy()
  }

  destroyAll(): void {
    for (const socket of this.#all) socket.destroy()
  }

  /** A connection has brought a whole request. */
  speaks(socket: Pick<Socket, 'remoteAddress' | 'remotePort' | 'localPort'>): void {
    this.#silent.delete(keyOf(socket))
  }
}

function keyOf({
  remoteAddress,
  remotePort,
  localPort,
}: Pick<Socket, 'remoteAddress' | 'remotePort' | 'localPort'>): string {
  return `${remoteAddress}|${remotePort}|${localPort}`
}
