import { writeFileSync } from 'node:fs'
import bcrypt from 'bcrypt'
import t from 'tap'
import { hash, webConfigLab } from '../../support/web-config.js'

const { serveWith } = webConfigLab(t)

t.test('stray bits in the padding of a hash, and other versions', async (t) => {
  const alphabet = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
  const at = (index: number, bits: number) =>
    hash.slice(0, index) +
    alphabet.charAt(alphabet.indexOf(hash.charAt(index)) | bits) +
    hash.slice(index + 1)
  const [salt, end] = [28, 59]
  for (const stray of [
    ...[1, 2, 4, 8, 15].map((bits) => at(salt, bits)),
    ...[1, 2, 3].map((bits) => at(end, bits)),
    ...['$2$', '$2a$', '$2x$', '$2y$'].map((version) => hash.replace('$2b$', version)),
  ]) {
    const { curl } = await serveWith(t, `basic_auth_users: { alice: "${stray}" }`)
    t.equal((await curl('-u', 'alice:correct horse')).status, 200, stray)
    t.equal((await curl('-u', 'alice:wrong horse')).status, 401, stray)
  }
  const other = at(salt, 0).slice(0, salt) + (hash.charAt(salt) === '.' ? 'O' : '.') + hash.slice(salt + 1)
  const { curl } = await serveWith(t, `basic_auth_users: { alice: "${other}" }`)
  t.equal((await curl('-u', 'alice:correct horse')).status, 401, 'another salt')
})

t.test('the rate limit comes before the password', async (t) => {
  const { curl } = await serveWith(
    t,
    `{ rate_limit: { interval: 1h, burst: 3 }, basic_auth_users: { alice: "${hash}" } }`,
  )
  const right = ['-u', 'alice:correct horse']
  t.equal((await curl(...right)).status, 200)
  t.equal((await curl()).status, 401)
  t.equal((await curl(...right)).status, 200)
  t.equal((await curl(...right)).status, 429)
  t.equal((await curl()).status, 429)
})

t.test('it is read again; while it is broken nobody gets in', async (t) => {
  const { path, curl, logged } = await serveWith(t, `basic_auth_users: { alice: "${hash}" }`)
  const right = ['-u', 'alice:correct horse']
  t.equal((await curl(...right)).status, 200)
  writeFileSync(path, `basic_auth_users: { alice: "${bcrypt.hashSync('another', 4)}" }`)
  t.equal((await curl(...right)).status, 401, 'a password that was right before')
  t.equal((await curl('-u', 'alice:another')).status, 200)
  writeFileSync(path, 'basic_auth_users: { alice: hunter2 }')
  const broken = await curl('-u', 'alice:another')
  t.equal(broken.status, 500)
  t.match(broken.text, /\r\n\r\ninternal error\n$/)
  t.match(JSON.stringify(logged.at(-1)), 'the web configuration is broken')
  writeFileSync(path, '')
  t.equal((await curl()).status, 200)
})

t.test(
  'who guesses passwords is counted, logged and throttled, and shuts out nobody at another address',
  async (t) => {
    const { curl, failures, logged } = await serveWith(t, `basic_auth_users: { alice: "${hash}" }`)
    const guess = (from: string) => curl('--interface', from, '-u', 'alice:wrong')
    t.equal((await curl()).status, 401)
    t.same(failures, { wrong: 0, throttled: 0 }, 'as browsers begin')
    for (let attempt = 0; attempt < 10; attempt++) t.equal((await guess('127.0.0.2')).status, 401)
    const { status, text } = await guess('127.0.0.2')
    t.equal(status, 429)
    t.match(text, /^retry-after: 10\r\n/m)
    t.match(text, /\r\n\r\ntoo many wrong passwords: wait ten seconds\n$/)
    t.notMatch(text, /www-authenticate/)
    t.equal((await guess('127.0.0.3')).status, 401)
    t.equal((await curl('-u', 'alice:correct horse')).status, 200)
    t.equal((await curl('--interface', '127.0.0.2', '-u', 'alice:correct horse')).status, 200, 'it is known')
    t.same(failures, { wrong: 11, throttled: 1 })
    t.equal(logged.length, 5, 'a minute has five lines')
    t.same(logged[4], [
      { client: '127.0.0.2', wrong: 5, throttled: 0 },
      'refused a wrong user name or password',
    ])
  },
)
