/** What Fastify answers with 503, and with its words. */
export class BusyError extends Error {
  readonly statusCode = 503
}

/** Lets so many through at once, and sends others away. */
export class Gate {
  readonly #most: number
  #inside = 0

  /** @param most 0: any number */
  constructor(most: number) {
    this.#most = most
  }

  /** @throws BusyError if there are too many inside */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#most > 0 && this.#inside >= this.#most) {
      throw new BusyError('too many requests at once (--web.max-requests)')
    }
    this.#inside++
    try {
      return await work()
    } finally {
      this.#inside--
    }
  }
}
