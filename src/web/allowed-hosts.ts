import { isIP } from 'node:net'
import { hostNames } from './host-names.js'

/** A host may get its name after the start, by DHCP; so what is not known is looked up again, but not more often. */
const lookUpEveryMs = 10_000

/**
 * The hosts that a request may be for. Addresses always are: with DNS rebinding a page of another site has a
 * name of that site, which it makes point here.
 */
export class AllowedHosts {
  readonly #any: boolean
  readonly #names: ReadonlySet<string>
  readonly #suffixes: readonly string[]
  readonly #lookUp: () => ReadonlySet<string>
  readonly #now: () => number
  #own: ReadonlySet<string>
  #lookedUpAt: number

  /**
   * @param patterns as parseAllowedHosts() gives them, beside localhost and the names of this host
   * @param now in ms
   */
  constructor(patterns: readonly string[], lookUp = () => hostNames(), now = () => performance.now()) {
    this.#any = patterns.includes('*')
    this.#names = new Set(['localhost', ...patterns])
    this.#suffixes = patterns.filter((pattern) => pattern.startsWith('*.')).map((pattern) => pattern.slice(1))
    this.#lookUp = lookUp
    this.#now = now
    this.#own = lookUp()
    this.#lookedUpAt = now()
  }

  /** Whether an authority, `HOST` or `HOST:PORT`, is of an allowed host; any port is right, as behind proxies. */
  has(authority: string): boolean {
    if (this.#any) return true
    const { v6, name } =
      /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:[\]]+?)\.?)(?::\d*)?$/.exec(authority)?.groups ?? {}
    if (isIP(v6 ?? name ?? '') > 0) return true
    return name !== undefined && this.#hasName(name.toLowerCase())
  }

  #hasName(name: string): boolean {
    if (this.#names.has(name) || this.#suffixes.some((suffix) => name.endsWith(suffix))) return true
    return this.#own.has(name) || (this.#isLookUpDue() && this.#own.has(name))
  }

  #isLookUpDue(): boolean {
    if (this.#now() - this.#lookedUpAt < lookUpEveryMs) return false
    this.#lookedUpAt = this.#now()
    this.#own = this.#lookUp()
    return true
  }
}
