/** Tells somebody which interfaces are chosen, when that has changed. */
export class ChosenInterfaces {
  readonly #tell: (ifindexes: readonly number[]) => void
  #before: string | undefined

  constructor(tell: (ifindexes: readonly number[]) => void) {
    this.#tell = tell
  }

  look(ifindexes: Iterable<number>): void {
    const now = [...ifindexes]
    if (this.#before === now.join()) return
    this.#before = now.join()
    this.#tell(now)
  }
}
