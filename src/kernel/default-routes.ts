import type { Addon } from './native/addon.js'
import type { Link } from './native/interfaces.js'

/**
 * The interfaces that default routes lead to, kept until they may have changed: to ask takes as long as
 * there are routes, and a router has a million.
 */
export class DefaultRoutes {
  readonly #kernel: Pick<Addon, 'defaultRouteInterfaces'>
  #known: { readonly ifindexes: ReadonlySet<number>; readonly up: string } | undefined
  /** Counts what may have changed them, since that may happen while the kernel is asked. */
  #changes = 0

  constructor(kernel: Pick<Addon, 'defaultRouteInterfaces'>) {
    this.#kernel = kernel
  }

  /** They may have changed. */
  changed(): void {
    this.#changes++
    this.#known = undefined
  }

  /**
   * Their interfaces, by ifindex. Asked anew also where one of these went down, with which its routes go
   * without a word.
   */
  async find(links: readonly Link[]): Promise<ReadonlySet<number>> {
    if (this.#known && upAmong(this.#known.ifindexes, links) === this.#known.up) return this.#known.ifindexes
    const before = this.#changes
    const ifindexes = new Set(await this.#kernel.defaultRouteInterfaces())
    if (this.#changes === before) this.#known = { ifindexes, up: upAmong(ifindexes, links) }
    return ifindexes
  }
}

const upAmong = (ifindexes: ReadonlySet<number>, links: readonly Link[]): string =>
  links
    .filter(({ ifindex, up }) => up && ifindexes.has(ifindex))
    .map(({ ifindex }) => ifindex)
    .join()
