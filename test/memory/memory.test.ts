import { statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import type { Sender } from '../../src/kernel/contacts.js'
import { openReadOnly } from '../../src/memory/probes.js'
import { migrations } from '../../src/memory/schema.js'
import { databaseFile } from '../../src/memory/database-file.js'
import { Store } from '../../src/memory/store.js'
import { announced, auditLines, contact, openMemory, temporaryFolder, TestClock } from '../support/memory.js'

const address = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`
const many = (count: number) => Array.from({ length: count }, (_, i) => contact(address(i)))

t.test('a destination is new once, over restarts', (t) => {
  const folder = temporaryFolder(t)
  const first = openMemory(t, folder)
  t.same(
    [...first.memory.record([contact('192.0.2.1'), contact('192.0.2.2', { firstSeenMs: 2_000 })])],
    [1_000, 2_000],
  )
  t.same(announced(first.memory), ['192.0.2.1', '192.0.2.2'])
  t.equal(first.memory.state.newDestinations.get('eth0'), 2)
  // Killed: it is not closed.
  const { memory } = openMemory(t, folder)
  t.same(announced(memory), ['192.0.2.1', '192.0.2.2'])
  t.same(
    [
      ...memory.record([
        contact('192.0.2.1', { firstSeenMs: 9_000, record: '2' }),
        contact('192.0.2.3', { firstSeenMs: 9_000, interface: 'eth1' }),
      ]),
    ],
    [1_000, 9_000],
  )
  t.same(announced(memory), ['192.0.2.1', '192.0.2.2', '192.0.2.3'])
  t.same(Object.fromEntries(memory.state.newDestinations), { eth0: 2, eth1: 1 })
  t.equal(memory.state.unacknowledged, 3)
  t.end()
})

t.test('what is seen before the end of the baseline is learned, not announced', (t) => {
  const folder = temporaryFolder(t)
  const { memory, clock } = openMemory(t, folder, { baselineMs: 1_000 })
  const end = clock.now().wallMs + 1_000
  t.equal(memory.state.baselineEndMs, end)
  clock.pass(5_000)
  memory.record([contact('192.0.2.1', { ageMs: 4_001 }), contact('192.0.2.2', { ageMs: 4_000 })])
  t.same(announced(memory), ['192.0.2.2'])
  t.equal(memory.state.newDestinations.get('eth0'), 1)
  t.equal(openMemory(t, folder, { clock, baselineMs: 7_000 }).memory.state.baselineEndMs, end)
  t.end()
})

t.test('who sent the first packet is remembered, also where that is known only later', (t) => {
  const names = new Map([['29', 'backup.service']])
  const serviceOf = ({ cgroup }: Sender) => names.get(cgroup)
  const folder = temporaryFolder(t)
  const auditFile = join(folder, 'audit.log')
  const { memory } = openMemory(t, folder, { serviceOf, auditFile })
  const sentBy = (cgroup: string, uid: number) => ({ sender: { cgroup, ingress: '', uid } })
  const [named, later] = ['192.0.2.1', '192.0.2.2']
  memory.record([contact(named, sentBy('29', 34)), contact(later, sentBy('31', 0))])
  const senders = () =>
    [named, later, '192.0.2.3'].map((destination) => {
      const { service, uid } = memory.find({ interface: 'eth0', destination }) ?? {}
      return [service, uid]
    })
  t.same(senders().slice(0, 2), [
    ['backup.service', 34],
    [null, 0],
  ])
  t.same(announced(memory), [named], 'an alert whose labels change would fire twice')
  t.equal(memory.state.unacknowledged, 2)
  names.set('31', 'cron.service')
  memory.refresh()
  t.same(senders()[1], ['cron.service', 0])
  t.same(
    memory.state.announced.map(({ service }) => service),
    ['backup.service', 'cron.service'],
  )
  memory.record([contact(named, sentBy('31', 0)), contact('192.0.2.3', sentBy('0', 65_534))])
  t.same(senders()[0], ['backup.service', 34], 'the first stays')
  t.same(senders()[2], [null, null], 'no socket, no user')
  memory.writeAudit()
  t.match(auditLines(auditFile)[0], { destination: named, service: 'backup.service', uid: 34 })
  t.end()
})

t.test('a flood of contacts by one new sender: each is named once it is known', (t) => {
  const names = new Map<string, string>()
  const { memory } = openMemory(t, temporaryFolder(t), { serviceOf: ({ cgroup }) => names.get(cgroup) })
  const count = 65_537
  const addresses = Array.from({ length: count }, (_, n) => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`)
  memory.record(
    addresses.map((address) => contact(address, { sender: { cgroup: '41', ingress: '', uid: 0 } })),
  )
  names.set('41', 'scan.service')
  memory.refresh()
  const services = addresses.map((destination) => memory.find({ interface: 'eth0', destination })?.service)
  t.same(services, [...Array<string>(count - 1).fill('scan.service'), 'unknown'])
  t.end()
})

t.test('packets and bytes add up over records, each counted once', (t) => {
  const folder = temporaryFolder(t)
  const { memory } = openMemory(t, folder)
  const seen = () => {
    const { packets, bytes, lastSeenMs } = memory.find({ interface: 'eth0', destination: '192.0.2.1' }) ?? {}
    return [packets, bytes, lastSeenMs]
  }
  memory.record([contact('192.0.2.1', { packets: 3, bytes: 300 })])
  memory.update([contact('192.0.2.1', { packets: 5, bytes: 500, lastSeenMs: 7_000 })])
  t.same(seen(), [5, 500, 7_000])
  memory.expire([contact('192.0.2.1', { packets: 7, bytes: 700, lastSeenMs: 6_000 })])
  t.same(seen(), [7, 700, 7_000])
  memory.record([contact('192.0.2.1', { packets: 11, bytes: 1_100, record: '2' })])
  t.same(seen(), [18, 1_800, 7_000])
  memory.update([contact('192.0.2.1', { packets: 13, bytes: 1_300, record: '2' })])
  t.same(seen(), [20, 2_000, 7_000])
  t.end()
})

t.test('of records that count together, what one leaves with stays counted', (t) => {
  const { memory } = openMemory(t, temporaryFolder(t))
  const packets = () => memory.find({ interface: 'eth0', destination: '192.0.2.1' })?.packets
  const together = (count: number, record: string, rest = {}) =>
    contact('192.0.2.1', { packets: count, record, ...rest })
  memory.record([together(23, '1')])
  memory.record([together(23 + 29, '1')])
  memory.expire([together(23, '1', { nextRecord: '2' })])
  t.equal(packets(), 23 + 29, 'the oldest has left')
  memory.update([together(29 + 31, '2')])
  t.equal(packets(), 23 + 29 + 31)
  memory.record([together(29 + 31 + 37, '2')])
  memory.expire([together(37, '2', { nextRecord: '2' })])
  memory.update([together(29 + 31 + 41, '2')])
  t.equal(packets(), 23 + 29 + 31 + 37 + 41, 'a younger one has left')
  memory.expire([together(29 + 31 + 41 + 43, '2')])
  t.equal(packets(), 23 + 29 + 31 + 37 + 41 + 43, 'the last has left')
  t.end()
})

t.test('what another process acknowledges or forgets is taken over', (t) => {
  const folder = temporaryFolder(t)
  const { memory, clock } = openMemory(t, folder)
  memory.record([contact('192.0.2.1'), contact('192.0.2.2'), contact('192.0.2.3')])
  const other = new Store(folder)
  const [first, second] = [...other.select({})]
  if (!first || !second) throw new Error('they are not there')
  other.acknowledge(first, 5_000, 'fine')
  other.forget([second])
  other.close()
  memory.refresh()
  t.same(announced(memory), ['192.0.2.3'])
  t.equal(memory.state.unacknowledged, 1)
  clock.pass(8_000)
  memory.update([contact('192.0.2.2', { packets: 9, ageMs: 9_000 })])
  t.same(announced(memory), ['192.0.2.3', '192.0.2.2'], 'forgotten and seen again, it is new again')
  t.equal(memory.state.announced[1]?.firstSeenMs, clock.now().wallMs)
  memory.refresh()
  memory.record([contact('192.0.2.1', { record: '2' })])
  t.same(announced(memory), ['192.0.2.3', '192.0.2.2'], 'acknowledged, it is known')
  t.end()
})

t.test('what had no traffic for the retention is forgotten, and the audit log tells', (t) => {
  const folder = temporaryFolder(t)
  const auditFile = join(folder, 'audit')
  const { memory, clock } = openMemory(t, folder, { retentionMs: 10_000_000, auditFile })
  clock.pass(9_000_000)
  memory.record([contact('192.0.2.1', { ageMs: 9_000_000, idleMs: 9_000_000 }), contact('192.0.2.2')])
  clock.pass(2_000_000)
  memory.refresh()
  memory.record([contact('192.0.2.1', { record: '2' }), contact('192.0.2.2', { record: '2' })])
  t.equal(memory.state.newDestinations.get('eth0'), 3)
  memory.writeAudit()
  t.match(auditLines(auditFile)[2], { event: 'forgotten', destination: '192.0.2.1', reason: 'retention' })
  t.end()
})

t.test('an interface goes with its last destination', (t) => {
  const folder = temporaryFolder(t)
  const { memory, clock } = openMemory(t, folder, { retentionMs: 1_000 })
  memory.record([contact('192.0.2.1', { interface: 'veth1' }), contact('192.0.2.1', { interface: 'veth2' })])
  clock.pass(900)
  memory.update([contact('192.0.2.1', { interface: 'veth2', packets: 7 })])
  clock.pass(900)
  memory.refresh()
  t.same([...memory.state.newDestinations.keys()], ['veth2'])
  t.end()
})

t.test('a thousand are announced one by one, the oldest', (t) => {
  const { memory } = openMemory(t, temporaryFolder(t))
  memory.record(many(1_003).map((one, i) => ({ ...one, firstSeenMs: i })))
  t.equal(memory.state.announced.length, 1_000)
  t.equal(memory.state.announced[0]?.destination, address(0))
  t.equal(memory.state.announced.at(-1)?.destination, address(999))
  t.equal(memory.state.unacknowledged, 1_003)
  t.end()
})

t.test('a flood drives out itself, and neither what is known nor what was new before it', (t) => {
  const { memory, clock } = openMemory(t, '', { baselineMs: 1_000 })
  memory.record([contact('198.51.100.1')])
  clock.pass(2_000)
  memory.record([contact('198.51.100.2')])
  clock.pass(2_000)
  memory.record(many(100_019).map((one, i) => ({ ...one, firstSeenMs: 10_000 + i })))
  clock.pass(2_000)
  for (let slices = 0; slices < 3; slices++) memory.record([contact(address(200_000 + slices))])
  memory.refresh()
  t.equal(memory.state.unacknowledged, 99_999)
  t.ok(memory.find({ interface: 'eth0', destination: '198.51.100.1' }))
  t.ok(memory.find({ interface: 'eth0', destination: '198.51.100.2' }))
  t.notOk(memory.find({ interface: 'eth0', destination: address(1_000) }), 'the oldest of the flood')
  t.ok(memory.find({ interface: 'eth0', destination: address(100_018) }))
  t.end()
})

t.test('without a folder nothing is kept, and that is said', (t) => {
  const { memory, log } = openMemory(t, '')
  t.equal(memory.state.degraded, false, 'it is what was asked for')
  t.match(log.lines[0], ['warn', /^nothing is remembered beyond this run/])
  memory.record([contact('192.0.2.1')])
  t.same(announced(memory), ['192.0.2.1'])
  memory.refresh()
  t.same(announced(memory), ['192.0.2.1'])
  t.end()
})

t.test('nobody else can read whom this host talks to', (t) => {
  const folder = join(temporaryFolder(t), 'new')
  openMemory(t, folder).memory.record([contact('192.0.2.1')])
  t.same(
    [folder, databaseFile(folder), `${databaseFile(folder)}-wal`].map((path) =>
      (statSync(path).mode & 0o777).toString(8),
    ),
    ['700', '600', '600'],
  )
  t.end()
})

t.test('a database of the first version goes on, whatever the clock says by now', (t) => {
  const folder = temporaryFolder(t)
  const clock = new TestClock()
  clock.step(500 * 86_400_000)
  const database = firstVersion(folder)
  const insert = database.prepare(
    `INSERT INTO destinations VALUES ('eth0', ?, ?, ?, 6, 443, 3, 180, 'boot:1', 0, 0, ?, NULL, NULL)`,
  )
  insert.run('192.0.2.1', 1_000, 2_000, 'baseline')
  insert.run('192.0.2.2', 1_000, 9_000, 'new')
  database.exec("INSERT INTO interfaces VALUES ('eth0', 1)")
  database.exec("INSERT INTO facts VALUES ('baseline_end_ms', 500)")
  database.close()
  const { memory } = openMemory(t, folder, { clock, retentionMs: 10_000, baselineMs: 86_400_000 })
  memory.refresh()
  t.same(announced(memory), ['192.0.2.2'])
  memory.record([contact('192.0.2.3')])
  t.same(announced(memory), ['192.0.2.2', '192.0.2.3'], 'its baseline is over')
  clock.pass(4_000)
  memory.refresh()
  t.notOk(memory.find({ interface: 'eth0', destination: '192.0.2.1' }), 'it was idle for 7 s by then')
  t.ok(memory.find({ interface: 'eth0', destination: '192.0.2.2' }))
  t.end()
})

t.test('a database of the first version can be read where it cannot be written', (t) => {
  const folder = temporaryFolder(t)
  const database = firstVersion(folder)
  database.exec(
    "INSERT INTO destinations VALUES ('eth0', '192.0.2.1', 1, 2, 6, 443, 3, 180, '1', 0, 0, 'new', NULL, 'mine')",
  )
  database.close()
  const store = openReadOnly(folder)
  t.teardown(() => store?.close())
  t.match(store?.get('eth0', '192.0.2.1'), { packets: 3, note: 'mine', service: null, uid: null })
  t.end()
})

function firstVersion(folder: string): Database.Database {
  const database = new Database(databaseFile(folder))
  database.exec(migrations[0] ?? '')
  database.pragma('user_version = 1')
  return database
}
