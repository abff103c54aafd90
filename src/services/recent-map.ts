/**
 * A map that forgets what was put in longest ago. It has two halves, and drops the older one when the other
 * is full: to delete one by one from the front of a Map takes ever longer (its iterator passes what was
 * deleted).
 */
export class RecentMap<K, V> {
  readonly #halfSize: number
  #recent = new Map<K, V>()
  #before: ReadonlyMap<K, V> = new Map()

  /** @param halfSize so many are remembered for sure, and twice as many at most */
  constructor(halfSize: number) {
    this.#halfSize = halfSize
  }

  get(key: K): V | undefined {
    return this.#recent.get(key) ?? this.#before.get(key)
  }

  set(key: K, value: V): void {
    if (this.#recent.size >= this.#halfSize) {
      this.#before = this.#recent
      this.#recent = new Map()
    }
    this.#recent.set(key, value)
  }

  keys(): K[] {
    return [...this.#before.keys(), ...this.#recent.keys()]
  }

  clear(): void {
    this.#recent = new Map()
    this.#before = this.#recent
  }
}
