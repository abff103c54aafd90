import type { Settings } from '../config/settings.js'
import type { Store } from './store.js'

/**
 * Beyond so many, some are forgotten: about 180 MB on disk. More where the kernel's table holds as many,
 * so that what is in it is not forgotten and found again.
 */
const maxRemembered = { disk: 1_000_000, memory: 100_000 } as const

/** What is too old, or too much, goes in slices: each holds the memory for some 50 ms. */
const forgottenAtOnce = 5_000

/** What is forgotten. */
export interface Gone {
  readonly destinations: number
  /** First contacts of services. */
  readonly services: number
}

/** How much is remembered. */
export class Room {
  readonly #settings: Pick<Settings, 'storagePath' | 'destinationsLimit'>

  constructor(settings: Pick<Settings, 'storagePath' | 'destinationsLimit'>) {
    this.#settings = settings
  }

  /**
   * Forgets a part of what is too much.
   *
   * @param count of destinations
   * @param degraded whether the store only steps in for the disk
   * @returns how many destinations are gone
   */
  make(store: Store, count: number, degraded: boolean, atMs: number): number {
    const most = this.#most(degraded)
    return count > most ? store.forgetForRoom(Math.min(count - most, forgottenAtOnce), atMs) : 0
  }

  /**
   * Forgets a part of what had no packet since a time that was lived, and of services that are too many.
   *
   * @returns how many are gone
   */
  forgetIdle(store: Store, beforeLivedMs: number, atMs: number): Gone {
    const services = store.services.forgetIdle(beforeLivedMs, forgottenAtOnce)
    const excess = store.services.count() - this.#most(false)
    const crowded = excess > 0 ? store.services.forgetForRoom(Math.min(excess, forgottenAtOnce)) : 0
    const destinations = store.forgetIdle(beforeLivedMs, forgottenAtOnce, atMs)
    return { destinations, services: services + crowded }
  }

  #most(degraded: boolean): number {
    const most = degraded || this.#settings.storagePath === '' ? 'memory' : 'disk'
    return Math.max(maxRemembered[most], 2 * this.#settings.destinationsLimit)
  }
}
