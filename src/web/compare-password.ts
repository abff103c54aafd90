import bcrypt from 'bcrypt'

/** The hash of no password at all, at a cost. */
const decoy = (cost: number) =>
  `$2b$${String(cost).padStart(2, '0')}$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi`

const costOf = (hash: string) => Number(hash.slice(4, 6))

/**
 * Compares a password with a user's bcrypt hash. A wrong one takes the work of the costliest hash there is,
 * whoever the user, lest time tell which users there are.
 *
 * @param hash of version 2b; undefined: there is no such user
 * @param hashes of all users
 * @param compare where the work is done; a test counts it
 */
export async function comparePassword(
  password: string,
  hash: string | undefined,
  hashes: Iterable<string>,
  compare: (password: string, hash: string) => Promise<boolean> = bcrypt.compare,
): Promise<boolean> {
  const costliest = Math.max(...Array.from(hashes, costOf))
  const compared = hash ?? decoy(costliest)
  const matches = await compare(password, compared)
  if (hash !== undefined && matches) return true
  // bcrypt takes 2^cost rounds: 2^c + 2^c + 2^(c+1) + … + 2^(max-1) are 2^max.
  for (let cost = costOf(compared); cost < costliest; cost++) await compare(password, decoy(cost))
  return false
}
