import type { Socket } from 'node:net'

/** Far more than scrapers and people need, and few enough for any limit of open files. */
const most = 1_000

/**
 * The open connections. Beyond a number of them, a newcomer takes the place of the one that has been idle
 * longest, whatever it did before; where none is idle, of the one whose request began longest ago. So neither
 * silent connections, nor old ones, nor clients that read no answer shut anybody out.
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
    if (this.#requests.size >= this.#most) this.#makeRoom()
    this.#requests.set(socket, 0)
    socket.once('close', () => this.#requests.delete(socket))
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

  #makeRoom(): void {
    const leaving = this.#longestIdle() ?? this.#requests.keys().next().value
    if (!leaving) return
    this.#requests.delete(leaving)
    leaving.destroy()
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
