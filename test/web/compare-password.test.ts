import bcrypt from 'bcrypt'
import t from 'tap'
import { comparePassword } from '../../src/web/compare-password.js'

t.test('no name of a user can be told by the work that a wrong password takes', async (t) => {
  for (const costs of [[4, 9], [6], [4, 5, 8]]) {
    const hashes = costs.map((cost) => bcrypt.hashSync('correct horse', cost))
    /** bcrypt's rounds, as the hashes that are compared ask for: 2^cost. */
    const roundsOf = async (password: string, hash: string | undefined, verdict: boolean) => {
      let rounds = 0
      const compare = (password: string, hash: string) => {
        rounds += 2 ** bcrypt.getRounds(hash)
        return bcrypt.compare(password, hash)
      }
      t.equal(await comparePassword(password, hash, hashes, compare), verdict)
      return rounds
    }
    const costliest = 2 ** Math.max(...costs)
    for (const hash of [...hashes, undefined]) t.equal(await roundsOf('wrong', hash, false), costliest)
    for (const [index, hash] of hashes.entries())
      t.equal(await roundsOf('correct horse', hash, true), 2 ** Number(costs[index]))
  }
})

t.test('nobody has a password, not even that of no hash', async (t) => {
  t.notOk(await comparePassword('', undefined, [bcrypt.hashSync('', 4)]))
})
