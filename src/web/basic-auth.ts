import { createHmac, randomBytes } from 'node:crypto'
import bcrypt from 'bcrypt'

/** Compared with where there is no such user, lest time tell which users there are. */
const nobodysHash = '$2b$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi'
/** Passwords that were right are not compared again. */
const maxRemembered = 100
/** Comparisons that wait; each takes about a tenth of a second of a thread. */
const maxWaiting = 100

/** Basic authentication (RFC 7617) against bcrypt hashes, one comparison at a time. */
export class BasicAuth {
  readonly #key = randomBytes(32)
  /** What was right, not to be read back from memory. */
  readonly #right = new Set<string>()
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  /**
   * Whether an Authorization header opens the door.
   *
   * @param users bcrypt hashes by user, of version 2b
   */
  async allows(authorization: string | undefined, users: ReadonlyMap<string, string>): Promise<boolean> {
    const credentials = parse(authorization)
    if (!credentials) return false
    const { user, password } = credentials
    const hash = users.get(user)
    const tag = createHmac('sha256', this.#key)
      .update(JSON.stringify([user, hash, password]))
      .digest('base64')
    if (this.#right.has(tag)) return true
    if (this.#waiting >= maxWaiting) return false
    const matches = await this.#compare(password, hash ?? nobodysHash)
    if (!matches || hash === undefined) return false
    const [oldest] = this.#right
    if (oldest !== undefined && this.#right.size >= maxRemembered) this.#right.delete(oldest)
    this.#right.add(tag)
    return true
  }

  async #compare(password: string, hash: string): Promise<boolean> {
    this.#waiting++
    const compared = this.#last.then(() => bcrypt.compare(password, hash))
    this.#last = compared.catch(() => undefined)
    try {
      return await compared
    } finally {
      this.#waiting--
    }
  }
}

function parse(authorization = ''): { user: string; password: string } | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/=]+)$/i.exec(authorization) ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) }
}
