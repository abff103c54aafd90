import type { Socket } from 'node:net'

/** Far more than scrapers and people need, and few enough for any limit of open files. */
const most = 1_000

/**
 * The open connections. Beyond a number of them, a newcomer takes the place of the one that has been idle
 * longest, whatever it did before; so neither silent connections nor old ones shut anybody out.
 */
export class Connections {
  readonly #most: number
  /** Requests under way; the one whose last began or ended longest ago comes first. */
  readonly #requests = new Map<Socket, number>()

  constructor(mostAtOnce = most) {
    this.#most = mostAtOnce
  }

  get count(): number {
    return this.#requests.size
  }

  add(socket: Socket): void {
    // Where all others are busy it is the newcomer that goes.
    this.#requests.set(socket, 0)
    socket.once('close', () => this.#requests.delete(socket))
    if (this.#requests.size <= this.#most) return
    const idle = this.#longestIdle()
    if (!idle) return
    this.#requests.delete(idle)
    idle.destroy()
  }

  /**
   * A connection has brought a whole request.
   *
   * @returns to be called when that is answered, or is not to be any more
   */
  isBusy(socket: Socket): () => void {
    this.#change(socket, 1)
    return () => this.#change(socket, -1)
  }

  destroyAll(): void {
    for (const socket of this.#requests.keys()) socket.destroy()
  }

  #longestIdle(): Socket | undefined {
    for (const [socket, requests] of this.#requests) if (requests === 0) return socket
    return undefined
  }

  #change(socket: Socket, by: number): void {
    const requests = this.#requests.get(socket)
    if (requests === undefined) return
    this.#requests.delete(socket)
    this.#requests.set(socket, requests + by)
  }
}
