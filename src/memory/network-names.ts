import { isDeepStrictEqual } from 'node:util'
import { type Network, unknownNetwork } from '../networks/network.js'
import type { FailoverStore } from './failover-store.js'
import { facts, type MemoryStore } from './memory-store.js'
import type { DestinationKey, Novelty } from './rows.js'

/** What addresses belong to, as far as the memory asks. */
export interface NetworkSource {
  /** Changes when an address may belong to another. */
  readonly version: string
  /** Sees to it that what has changed is known. */
  look(): void
  find(destination: string): Network
}

/** Without any file. */
export const noNetworks: NetworkSource = { version: '', look: () => undefined, find: () => unknownNetwork }

/** As many are looked up again at once: each such slice holds the memory for some 50 ms. */
const slice = 5_000

const beginning: DestinationKey = { interface: '', destination: '' }

/** What destinations belong to. When a file changes, all that is remembered is looked up again. */
export class NetworkNames {
  readonly #source: NetworkSource
  /** What the review is of: a generation of the store, and a version of the files. */
  #generation: number | undefined
  #version: string | undefined
  /** The last one that was reviewed; undefined: all were. */
  #after: DestinationKey | undefined

  constructor(source: NetworkSource) {
    this.#source = source
  }

  of(destination: string): Network {
    return this.#source.find(destination)
  }

  /** What is new with an address of a network that is met for the first time. */
  noveltyOf({ network }: Network, known: Pick<MemoryStore, 'hasNetwork'>): Novelty | null {
    // Without files, or while what is remembered is looked up, nobody can tell.
    if (this.#source.version === '' || this.#source.version !== this.#version || this.#after) return null
    return network !== null && known.hasNetwork(network) ? 'address' : 'network'
  }

  /** Whether there are destinations that are still to be reviewed. */
  get waits(): boolean {
    return this.#after !== undefined
  }

  /**
   * Looks some destinations up again, if a file has changed since they were.
   *
   * @returns whether any belongs to another network by now
   */
  review(store: Pick<FailoverStore, 'generation' | 'transaction'>): boolean {
    this.#source.look()
    const { version } = this.#source
    if (store.generation !== this.#generation || version !== this.#version) {
      const isOf = store.transaction((_view, whole) => whole.fact(facts.networks) ?? '')
      this.#generation = store.generation
      this.#version = version
      this.#after = isOf === version ? undefined : beginning
    }
    if (!this.#after) return false
    const after = this.#after
    const { isChanged, last } = store.transaction((_view, whole) => {
      const rows = whole.networksAfter(after, slice)
      const changed = rows
        .map((row) => ({ row, now: { ...row, ...this.of(row.destination) } }))
        .filter(({ row, now }) => !isDeepStrictEqual(row, now))
      for (const { now } of changed) whole.setNetwork(now)
      const last = rows.length < slice ? undefined : rows.at(-1)
      if (!last) whole.setFact(facts.networks, version)
      return { isChanged: changed.length > 0, last }
    })
    this.#after = last
    return isChanged
  }
}
