import Database from 'better-sqlite3'
import { userInfo } from 'node:os'
import t from 'tap'
import { parse } from 'yaml'
import { destinationsCommand } from '../../src/cli/commands/destinations.js'
import { destinations } from '../../src/cli/destinations.js'
import type { NamedContact } from '../../src/memory/rows.js'
import { databaseFile } from '../../src/memory/database-file.js'
import { facts } from '../../src/memory/memory-store.js'
import { migrations } from '../../src/memory/schema.js'
import { Store } from '../../src/memory/store.js'
import { placed, temporaryFolder } from '../support/memory.js'

function setUp(t: { teardown(action: () => unknown): void }) {
  const folder = temporaryFolder(t)
  const store = new Store(folder)
  const insert = (destination: string, rest: Partial<NamedContact>, status: 'baseline' | 'new') =>
    store.insert(placed(destination, rest), status)
  insert('192.0.2.1', { firstSeenMs: 1_000, service: 'cron.service', uid: 0 }, 'baseline')
  insert('192.0.2.77', { firstSeenMs: 2_000, interface: 'eth1', port: 0, protocol: 1 }, 'new')
  insert('2001:db8::1', { firstSeenMs: 3_000 }, 'new')
  insert('198.51.100.0/24', { firstSeenMs: 4_000 }, 'new')
  t.teardown(() => store.close())
  const run = (...argv: string[]) => {
    const lines: string[] = []
    destinationsCommand((wish) => destinations(wish, (line) => lines.push(line), 10_000)).parse(
      [`--storage.path=${folder}`, ...argv],
      { from: 'user' },
    )
    return lines
  }
  const listed = (...argv: string[]) =>
    (JSON.parse(run('--json', ...argv).join('\n')) as { destination: string }[]).map(
      ({ destination }) => destination,
    )
  return { run, listed, store }
}

t.test('lists and filters', (t) => {
  const { run, listed } = setUp(t)
  t.same(listed(), ['192.0.2.1', '192.0.2.77', '2001:db8::1', '198.51.100.0/24'])
  t.same(listed('list', '--status=new'), ['192.0.2.77', '2001:db8::1', '198.51.100.0/24'])
  t.same(listed('--interface=eth1'), ['192.0.2.77'])
  t.same(listed('--within=192.0.2.64/26'), ['192.0.2.77'])
  t.same(listed('--within=198.51.0.0/16'), ['198.51.100.0/24'])
  t.same(listed('--within=198.51.100.0/25'), [], 'a prefix lies within a shorter one alone')
  t.same(listed('--within=::/0'), ['2001:db8::1'])
  t.same(listed('--since=7s'), ['2001:db8::1', '198.51.100.0/24'])
  t.match(run('--status=acknowledged'), ['no destinations'])
  t.match(run(), [
    /^destination +interface +protocol +port +service +status +first seen +last seen +packets +bytes +note$/,
    /^192\.0\.2\.1 +eth0 +tcp +443 +cron\.service +baseline +1970-01-01 00:00:01Z +1970-01-01 00:00:01Z +1 +60$/,
    /^192\.0\.2\.77 +eth1 +icmp +new /,
    /^2001:db8::1 /,
    /^198\.51\.100\.0\/24 /,
  ])
  t.end()
})

t.test('acknowledges and forgets', (t) => {
  const { run, listed, store } = setUp(t)
  t.same(run('ack', '192.0.2.0/24', '2001:db8::1', '--note', '=a "note", with commas'), [
    'acknowledged: 192.0.2.1 on eth0',
    'acknowledged: 192.0.2.77 on eth1',
    'acknowledged: 2001:db8::1 on eth0',
  ])
  t.same(listed('--status=new'), ['198.51.100.0/24'])
  t.match(store.get('eth1', '192.0.2.77'), { acknowledgedMs: 10_000, note: '=a "note", with commas' })
  t.equal(
    run('--csv', '--interface=eth1')[1],
    `eth1,192.0.2.77,icmp,,acknowledged,1970-01-01T00:00:02.000Z,1970-01-01T00:00:01.000Z,1,60,1970-01-01T00:00:10.000Z,"'=a ""note"", with commas",,,,,,,,`,
  )
  run('ack', '192.0.2.1', '--note', '=1+1')
  t.match(run('--csv', '--within=192.0.2.1')[1], /,'=1\+1,cron\.service,0,,,,,,$/, 'no formula')
  t.same(run('forget', '192.0.2.1'), ['forgotten: 192.0.2.1 on eth0'])
  t.equal(store.get('eth0', '192.0.2.1'), undefined)
  t.end()
})

t.test('the audit log is to tell of it, where there is one', (t) => {
  const { run, store } = setUp(t)
  run('ack', '192.0.2.1')
  t.same(store.events(0, 10), [])
  store.setFact(facts.audited, 1)
  run('ack', '192.0.2.0/24', '--note', 'ours')
  run('forget', '2001:db8::1')
  const sudoer = process.env['SUDO_USER']
  process.env['SUDO_USER'] = 'alice'
  t.same(run('unack', '0.0.0.0/0', '--note', 'not ours'), [
    'unacknowledged: 192.0.2.1 on eth0',
    'unacknowledged: 192.0.2.77 on eth1',
  ])
  if (sudoer === undefined) delete process.env['SUDO_USER']
  else process.env['SUDO_USER'] = sudoer
  t.match(store.get('eth0', '192.0.2.1'), { status: 'new', acknowledgedMs: null, note: 'ours' })
  t.throws(() => run('unack', '0.0.0.0/0'), { message: /nothing acknowledged or expected lies within/ })
  const actor = sudoer ?? userInfo().username
  t.match(store.events(0, 10), [
    {
      event: 'acknowledged',
      destination: '192.0.2.1',
      atMs: 10_000,
      status: 'acknowledged',
      note: 'ours',
      actor,
    },
    { event: 'acknowledged', destination: '192.0.2.77', port: 0, protocol: 1 },
    { event: 'forgotten', destination: '2001:db8::1', status: 'new', reason: 'command', actor },
    { event: 'unacknowledged', destination: '192.0.2.1', status: 'new', note: 'not ours', actor: 'alice' },
    { event: 'unacknowledged', destination: '192.0.2.77' },
  ])
  t.end()
})

t.test('keeps rules of what is expected, as the configuration has them', (t) => {
  const { run, store } = setUp(t)
  t.same(run('expected'), ['expect: []'])
  const quoted = 'network="aws s3" port=443'
  t.same(run('expect', quoted, 'service=cron.*', '--note', 'nightly \x1b'), [
    `expected: ${quoted}`,
    'expected: service=cron.*',
  ])
  run('expect', 'port=53')
  t.same(run('expected'), [
    'expect:',
    '- "network=\\"aws s3\\" port=443" # nightly \\u001b',
    '- "port=53"',
    '- "service=cron.*" # nightly \\u001b',
  ])
  t.same((parse(run('expected').join('\n')) as { expect: string[] }).expect, [
    quoted,
    'port=53',
    'service=cron.*',
  ])
  t.throws(() => run('expect', 'port=80', 'port=x'), { message: "expect: 'x' is no port" })
  t.throws(() => run('unexpect', 'port=53', 'port=80'), {
    message: /^destinations unexpect: there is no rule 'port=80'/,
  })
  t.equal(store.expectations.list().length, 3, 'all or none')
  run('unexpect', 'port=53', quoted)
  t.same(
    store.expectations.list().map(({ rule }) => rule),
    ['service=cron.*'],
  )
  for (const argv of [['expect'], ['unexpect'], ['expected', 'port=53']])
    t.throws(() => run(...argv), { code: 'commander.error' }, argv.join(' '))
  t.end()
})

t.test('lists what an exporter of an earlier version writes', (t) => {
  const folder = temporaryFolder(t)
  const database = new Database(databaseFile(folder))
  t.teardown(() => database.close())
  database.pragma('journal_mode = WAL')
  for (const migration of migrations.slice(0, 2)) database.exec(migration)
  database.pragma('user_version = 2')
  database.exec(
    "INSERT INTO destinations VALUES ('eth0', '192.0.2.1', 1, 2, 6, 443, 3, 180, '1', 0, 0, 'new', NULL, NULL, 0, 0)",
  )
  const lines: string[] = []
  destinationsCommand((wish) => destinations(wish, (line) => lines.push(line))).parse(
    [`--storage.path=${folder}`, '--json'],
    { from: 'user' },
  )
  t.match(JSON.parse(lines.join('\n')), [{ destination: '192.0.2.1', packets: 3, service: null }])
  t.equal(database.pragma('user_version', { simple: true }), 2, 'it stays as it is')
  t.end()
})

t.test('JSON of nothing is an array too', (t) => {
  const { run } = setUp(t)
  t.same(run('--json', '--status=acknowledged'), ['[]'])
  t.same(run('--json', '--interface=eth1').join('\n').split('\n').slice(0, 3), [
    '[',
    '  {',
    '    "interface": "eth1",',
  ])
  t.end()
})

t.test('bad input gets a clear error, and changes nothing', (t) => {
  const { run, store } = setUp(t)
  const before = [...store.select({})]
  t.throws(() => run('ack', '203.0.113.1'), {
    exitCode: 1,
    message: 'destinations ack: nothing in the memory lies within 203.0.113.1',
  })
  t.throws(() => run('ack', '192.0.2.1', 'here'), {
    exitCode: 2,
    message: /^ack: 'here' is not a CIDR prefix/,
  })
  t.throws(() => run('--since=yesterday'), {
    exitCode: 2,
    message: /^--since: 'yesterday' is not a duration/,
  })
  t.throws(() => run('--storage.path=/nonexistent'), {
    exitCode: 1,
    message: /^destinations: cannot open \/nonexistent\/destinations.db: /,
  })
  t.same([...store.select({})], before)
  t.end()
})
