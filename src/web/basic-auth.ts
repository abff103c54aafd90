import { createHmac, randomBytes } from 'node:crypto'
import { comparePassword } from './compare-password.js'
import { Guessers } from './guessers.js'
import { Turns } from './turns.js'

/** Passwords that were right are not compared again. */
const maxRemembered = 100
/** Comparisons that wait, of all clients: half the connections, so that they do not take all. */
const maxWaiting = 500

/** What becomes of who asks: `unknown` shows no name and password, `throttled` has tried too many. */
export type Verdict = 'allowed' | 'unknown' | 'wrong' | 'throttled'

/**
 * Basic authentication (RFC 7617) against bcrypt hashes. One comparison runs at a time; clients take turns, so
 * that one that guesses makes others wait for one of its comparisons and no more.
 */
export class BasicAuth {
  readonly #key = randomBytes(32)
  /** What was right, not to be read back from memory. */
  readonly #right = new Set<string>()
  /** What is being compared: the same at the same time is compared once. */
  readonly #pending = new Map<string, Promise<boolean>>()
  readonly #guessers = new Guessers()
  readonly #turns = new Turns()

  /**
   * Judges an Authorization header.
   *
   * @param users bcrypt hashes by user, of version 2b
   * @param address of the client; undefined: it comes by a Unix socket
   */
  async judge(
    authorization: string | undefined,
    users: ReadonlyMap<string, string>,
    address: string | undefined,
  ): Promise<Verdict> {
    const credentials = parse(authorization)
    if (!credentials) return authorization === undefined ? 'unknown' : 'wrong'
    const { user, password } = credentials
    const hash = users.get(user)
    const tag = createHmac('sha256', this.#key)
      .update(JSON.stringify([user, hash, password]))
      .digest('base64')
    // Whoever knows a password is let in, whatever others guess at the same address.
    if (this.#right.has(tag)) return 'allowed'
    const { network, attempts, turns } = this.#guessers.of(address)
    const pendingTag = `${tag} ${network}`
    let pending = this.#pending.get(pendingTag)
    if (!pending) {
      if (this.#pending.size >= maxWaiting || !attempts.allows()) return 'throttled'
      pending = turns
        .take(() => this.#turns.take(() => comparePassword(password, hash, users.values())))
        .finally(() => this.#pending.delete(pendingTag))
      this.#pending.set(pendingTag, pending)
      if (await pending) attempts.giveBack()
    }
    if (!(await pending)) return 'wrong'
    this.#remember(tag)
    return 'allowed'
  }

  #remember(tag: string): void {
    const [oldest] = this.#right
    if (oldest !== undefined && this.#right.size >= maxRemembered) this.#right.delete(oldest)
    this.#right.add(tag)
  }
}

function parse(authorization = ''): { user: string; password: string } | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization) ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) }
}
