import bcrypt from 'bcrypt'
import t from 'tap'
import { BasicAuth } from '../../src/web/basic-auth.js'

const header = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
const hashOf = (password: string, cost: number) => bcrypt.hashSync(password, cost)
const scraper = header('prometheus', 'correct horse')

t.test('who guesses is throttled, at its address alone', async (t) => {
  const auth = new BasicAuth()
  const users = new Map([['prometheus', hashOf('correct horse', 4)]])
  const judge = (authorization: string | undefined, address?: string) =>
    auth.judge(authorization, users, address)
  for (let attempt = 0; attempt < 10; attempt++)
    t.equal(await judge(header('prometheus', `guess ${attempt}`), '2001:db8::1'), 'wrong')
  t.equal(await judge(header('prometheus', 'guess'), '2001:db8::1'), 'throttled')
  t.equal(await judge(scraper, '2001:db8::7:1'), 'throttled', 'another address of the same /64')
  for (const address of ['2001:db8:0:1::1', '192.0.2.1', undefined])
    t.equal(await new BasicAuth().judge(scraper, users, address), 'allowed')
  t.equal(await judge(scraper, '2001:db8:0:1::1'), 'allowed', 'another /64')
  t.equal(await judge(scraper, '2001:db8::7:1'), 'allowed', 'what is known to be right needs no attempt')
  t.equal(await judge(undefined, '2001:db8::1'), 'unknown')
  t.equal(await judge('Bearer token', '2001:db8::1'), 'wrong')
})

t.test('what is right costs no attempt; the same at once is compared once', async (t) => {
  const auth = new BasicAuth()
  const users = new Map(Array.from({ length: 20 }, (_, number) => [`user ${number}`, hashOf('correct', 4)]))
  for (const user of users.keys())
    t.equal(await auth.judge(header(user, 'correct'), users, '192.0.2.1'), 'allowed', user)
  const same = Array.from({ length: 30 }, () => auth.judge(header('user 1', 'wrong'), users, '192.0.2.1'))
  t.same(new Set(await Promise.all(same)), new Set(['wrong']))
  const others = Array.from({ length: 30 }, (_, n) =>
    auth.judge(header('user 1', `${n}`), users, '192.0.2.1'),
  )
  const verdicts = await Promise.all(others)
  t.equal(verdicts.filter((verdict) => verdict === 'wrong').length, 9)
  t.equal(verdicts.filter((verdict) => verdict === 'throttled').length, 21)
})

t.test('clients take turns: a scraper waits for one comparison of each that guesses', async (t) => {
  const auth = new BasicAuth()
  const users = new Map([['prometheus', hashOf('correct horse', 6)]])
  const ended: string[] = []
  const judge = async (authorization: string, address: string) => {
    ended.push(`${address} ${await auth.judge(authorization, users, address)}`)
  }
  const guesses = ['192.0.2.7', '192.0.2.8'].flatMap((address) =>
    Array.from({ length: 10 }, (_, number) => judge(header('prometheus', `guess ${number}`), address)),
  )
  await Promise.all([...guesses, judge(scraper, '192.0.2.1')])
  t.equal(ended.length, 21)
  t.ok(ended.indexOf('192.0.2.1 allowed') <= 2, `${ended.indexOf('192.0.2.1 allowed')} were before it`)
})
