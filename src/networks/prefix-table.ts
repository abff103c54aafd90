import type { Prefix } from '../config/prefix.js'

/** Values by prefix, of which the longest wins. */
export class PrefixTable<T> {
  readonly #values = new Map<string, T>()
  /** By the bytes of an address, the longest first. */
  readonly #lengths = { 4: [] as number[], 16: [] as number[] }

  get(prefix: Prefix): T | undefined {
    return this.#values.get(keyOf(prefix, prefix.length))
  }

  set(prefix: Prefix, value: T): void {
    const lengths = this.#lengthsOf(prefix)
    if (!lengths.includes(prefix.length)) {
      lengths.push(prefix.length)
      lengths.sort((a, b) => b - a)
    }
    this.#values.set(keyOf(prefix, prefix.length), value)
  }

  /** The longest prefix that all of this one lies in, by its length and its value. */
  find(prefix: Prefix): { readonly length: number; readonly value: T } | undefined {
    for (const length of this.#lengthsOf(prefix)) {
      const value = length <= prefix.length ? this.#values.get(keyOf(prefix, length)) : undefined
      if (value !== undefined) return { length, value }
    }
    return undefined
  }

  #lengthsOf({ bytes }: Prefix): number[] {
    return this.#lengths[bytes.length as 4 | 16]
  }
}

/** The first bits of an address, with how many these are and of which family. */
function keyOf({ bytes }: Prefix, length: number): string {
  const whole = length >> 3
  let key = String.fromCharCode(bytes.length, length)
  for (let index = 0; index < whole; index++) key += String.fromCharCode(bytes[index] ?? 0)
  const rest = length & 7
  return rest === 0 ? key : key + String.fromCharCode((bytes[whole] ?? 0) & (0xff00 >> rest))
}
