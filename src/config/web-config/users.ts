import { type Static, Type } from 'typebox'
import { usageError } from '../../errors.js'
import type { YamlFile } from '../yaml-file.js'

/** bcrypt hashes by user. */
export const usersSchema = Type.Unsafe<Record<string, string>>({
  type: 'object',
  additionalProperties: { type: 'string' },
})

/**
 * A bcrypt hash: version, cost, salt, hash. Go asks for no certain letter in the version, and takes all
 * for one algorithm; a cost above 31 does not exist.
 */
const pattern = /^\$2[a-z]?\$(0[4-9]|[12]\d|3[01])\$([./A-Za-z0-9]{22})([./A-Za-z0-9]{31})$/

const alphabet = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
/** Bits of the last character that are no part of 128 bits of salt, or of 184 of hash. */
const padding = { salt: 4, hash: 2 }

/**
 * Users and their hashes, in the one form that is compared with.
 *
 * @throws UserError for what is no hash
 */
export function readUsers(
  given: Static<typeof usersSchema>,
  file: Pick<YamlFile, 'valueAt'>,
): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(given).map(([user, written]) => {
      const hash = normalizeHash(written)
      if (hash !== undefined) return [user, hash]
      // Not the value itself: somebody may have written a password there.
      throw usageError(
        `${file.valueAt(['basic_auth_users', user])}: basic_auth_users: what user '${user}' has is no bcrypt hash: make one with htpasswd -nBC 10 ${user}`,
      )
    }),
  )
}

/** As `$2b$`, and without the stray bits that some programs leave in the padding; undefined: it is none. */
function normalizeHash(text: string): string | undefined {
  const [, cost, salt, hash] = pattern.exec(text) ?? []
  if (salt === undefined || hash === undefined) return undefined
  return `$2b$${cost}$${withoutBits(salt, padding.salt)}${withoutBits(hash, padding.hash)}`
}

function withoutBits(encoded: string, bits: number): string {
  const last = alphabet.indexOf(encoded.slice(-1))
  return encoded.slice(0, -1) + alphabet.charAt((last >> bits) << bits)
}
