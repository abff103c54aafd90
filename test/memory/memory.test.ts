import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { AuditLog } from '../../src/memory/audit-log.js'
import { Memory } from '../../src/memory/memory.js'
import { databaseFile, Store } from '../../src/memory/store.js'
import { contact, recordingLog, smallDisk, temporaryFolder } from '../support/memory.js'

interface Clock {
  ms: number
}

function open(
  t: { teardown(action: () => unknown): void },
  storagePath: string,
  { clock = { ms: 0 }, baselineMs = 0, retentionMs = 1_000_000, auditFile = '' } = {},
) {
  const log = recordingLog()
  const audit = new AuditLog({ file: auditFile, maxBytes: 0 }, log)
  const memory = new Memory(
    { storagePath, baselineMs, retentionMs, destinationsLimit: 23 },
    audit,
    log,
    () => clock.ms,
  )
  t.teardown(() => memory.close())
  return { memory, log, clock: clock as Clock }
}

const announced = (memory: Memory) => memory.state.announced.map(({ destination }) => destination)

t.test('a destination is new once, over restarts', (t) => {
  const folder = temporaryFolder(t)
  const first = open(t, folder)
  t.same(
    first.memory.record([contact('192.0.2.1'), contact('192.0.2.2', { firstSeenMs: 2_000 })]),
    [1_000, 2_000],
  )
  t.same(announced(first.memory), ['192.0.2.1', '192.0.2.2'])
  t.equal(first.memory.state.newDestinations.get('eth0'), 2)
  // Killed: it is not closed.
  const { memory } = open(t, folder)
  t.same(announced(memory), ['192.0.2.1', '192.0.2.2'])
  t.same(
    memory.record([
      contact('192.0.2.1', { firstSeenMs: 9_000, life: 'boot:2' }),
      contact('192.0.2.3', { firstSeenMs: 9_000, interface: 'eth1' }),
    ]),
    [1_000, 9_000],
  )
  t.same(announced(memory), ['192.0.2.1', '192.0.2.2', '192.0.2.3'])
  t.same(
    [...memory.state.newDestinations],
    [
      ['eth0', 2],
      ['eth1', 1],
    ],
  )
  t.equal(memory.state.unacknowledged, 3)
  t.end()
})

t.test('what is seen before the end of the baseline is learned, not announced', (t) => {
  const folder = temporaryFolder(t)
  const { memory } = open(t, folder, { clock: { ms: 5_000 }, baselineMs: 1_000 })
  t.equal(memory.state.baselineEndMs, 6_000)
  memory.record([contact('192.0.2.1', { firstSeenMs: 5_999 }), contact('192.0.2.2', { firstSeenMs: 6_000 })])
  t.same(announced(memory), ['192.0.2.2'])
  t.equal(memory.state.newDestinations.get('eth0'), 1)
  t.equal(open(t, folder, { clock: { ms: 9_000 }, baselineMs: 7_000 }).memory.state.baselineEndMs, 6_000)
  t.end()
})

t.test('packets and bytes add up over lives, each counted once', (t) => {
  const folder = temporaryFolder(t)
  const { memory } = open(t, folder)
  const seen = () => {
    const store = new Store(folder)
    const row = store.get('eth0', '192.0.2.1')
    store.close()
    return [row?.packets, row?.bytes, row?.lastSeenMs]
  }
  memory.record([contact('192.0.2.1', { packets: 3, bytes: 300 })])
  memory.update([contact('192.0.2.1', { packets: 5, bytes: 500, lastSeenMs: 7_000 })])
  t.same(seen(), [5, 500, 7_000])
  memory.expire([contact('192.0.2.1', { packets: 7, bytes: 700, lastSeenMs: 6_000 })])
  t.same(seen(), [7, 700, 7_000])
  memory.record([contact('192.0.2.1', { packets: 11, bytes: 1_100, life: 'boot:2' })])
  t.same(seen(), [18, 1_800, 7_000])
  memory.update([contact('192.0.2.1', { packets: 13, bytes: 1_300, life: 'boot:2' })])
  t.same(seen(), [20, 2_000, 7_000])
  t.end()
})

t.test('what another process acknowledges or forgets is taken over', (t) => {
  const folder = temporaryFolder(t)
  const auditFile = join(folder, 'audit')
  const { memory, clock } = open(t, folder, { auditFile })
  memory.record([contact('192.0.2.1'), contact('192.0.2.2'), contact('192.0.2.3', { port: 0, protocol: 1 })])
  const other = new Store(folder)
  other.acknowledge('eth0', '192.0.2.1', 5_000, 'fine')
  other.forget('eth0', '192.0.2.2')
  other.close()
  memory.refresh()
  t.same(announced(memory), ['192.0.2.3'])
  t.equal(memory.state.unacknowledged, 1)
  clock.ms = 8_000
  memory.update([contact('192.0.2.2', { packets: 9 })])
  t.same(announced(memory), ['192.0.2.3', '192.0.2.2'], 'forgotten and seen again, it is new again')
  t.equal(memory.state.announced[1]?.firstSeenMs, 8_000)
  memory.refresh()
  t.equal(memory.record([contact('192.0.2.1', { life: 'boot:2' })]).length, 1)
  t.same(announced(memory), ['192.0.2.3', '192.0.2.2'], 'acknowledged, it is known')
  const events = readFileSync(auditFile, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  t.match(events, [
    { event: 'first_contact', destination: '192.0.2.1', protocol: 'tcp', port: 443, status: 'new' },
    { event: 'first_contact', destination: '192.0.2.2' },
    { event: 'first_contact', destination: '192.0.2.3', protocol: 'icmp' },
    { event: 'acknowledged', destination: '192.0.2.1', note: 'fine', time: '1970-01-01T00:00:05.000Z' },
    { event: 'first_contact', destination: '192.0.2.2', time: '1970-01-01T00:00:08.000Z' },
  ])
  t.equal(events.length, 5, 'and each once')
  t.end()
})

t.test('what was not seen for the retention is forgotten', (t) => {
  const folder = temporaryFolder(t)
  const { memory, clock } = open(t, folder, { retentionMs: 10_000_000 })
  memory.record([contact('192.0.2.1'), contact('192.0.2.2', { lastSeenMs: 9_000_000 })])
  clock.ms = 11_000_000
  memory.refresh()
  memory.record([contact('192.0.2.1', { life: 'boot:2' }), contact('192.0.2.2', { life: 'boot:2' })])
  t.equal(memory.state.newDestinations.get('eth0'), 3)
  t.end()
})

t.test('a thousand are announced one by one, the newest', (t) => {
  const { memory } = open(t, temporaryFolder(t))
  memory.record(
    Array.from({ length: 1_003 }, (_, i) => contact(`10.0.${i >> 8}.${i & 255}`, { firstSeenMs: i })),
  )
  t.equal(memory.state.announced.length, 1_000)
  t.equal(memory.state.announced[0]?.destination, '10.0.0.3')
  t.equal(memory.state.unacknowledged, 1_003)
  t.end()
})

t.test('a full disk: what it misses is remembered meanwhile, and written when there is room', (t) => {
  const disk = smallDisk(t, '128k')
  const { memory, log } = open(t, disk.folder)
  memory.record([contact('192.0.2.1')])
  const many = Array.from({ length: 2_000 }, (_, i) => contact(`10.0.${i >> 8}.${i & 255}`))
  memory.record(many)
  t.equal(memory.state.degraded, true)
  t.match(log.lines.at(-1), ['error', /^cannot write to the memory: /])
  t.equal(memory.state.newDestinations.get('eth0'), 2_001)
  t.same(
    memory.record([contact('192.0.2.1', { firstSeenMs: 9_000, life: 'boot:2' })]),
    [1_000],
    'what was there is known',
  )
  memory.refresh()
  t.equal(memory.state.degraded, true, 'it is still full')
  disk.remount('size=64m')
  memory.refresh()
  t.equal(memory.state.degraded, false)
  t.match(log.lines.at(-1), ['info', 'the memory works again'])
  t.equal(memory.state.newDestinations.get('eth0'), 2_001)
  memory.record(many.map((one) => ({ ...one, life: 'boot:2' })))
  const store = new Store(disk.folder)
  t.equal(store.count(), 2_001)
  t.equal(store.newDestinations().get('eth0'), 2_001)
  store.close()
  t.end()
})

t.test('a read-only disk: destinations are remembered as long as it runs', (t) => {
  const disk = smallDisk(t, '1m')
  disk.remount('ro')
  const { memory, log } = open(t, disk.folder)
  t.equal(memory.state.degraded, true)
  t.match(log.lines[0], ['error', /^cannot open the memory: /])
  memory.record([contact('192.0.2.1')])
  t.same(announced(memory), ['192.0.2.1'])
  disk.remount('rw')
  memory.refresh()
  t.equal(memory.state.degraded, false)
  t.same(announced(memory), ['192.0.2.1'])
  t.end()
})

for (const [what, content] of [
  ['no database', 'x'.repeat(8_192)],
  ['a damaged one', undefined],
] as const) {
  t.test(`${what}: it is set aside, not deleted`, (t) => {
    const folder = temporaryFolder(t)
    if (content === undefined) {
      const { memory } = open(t, folder)
      memory.record(Array.from({ length: 500 }, (_, i) => contact(`10.0.${i >> 8}.${i & 255}`)))
      memory.close()
      const bytes = readFileSync(databaseFile(folder))
      writeFileSync(databaseFile(folder), bytes.fill(0xff, 100, 4_096))
    } else {
      writeFileSync(databaseFile(folder), content)
    }
    const { memory, log } = open(t, folder)
    t.equal(memory.state.degraded, false)
    t.match(log.lines[0], ['error', /^the memory is corrupt: it was set aside/])
    t.ok(readdirSync(folder).some((name) => /^destinations\.db\.corrupt-\d{8}T\d{6}Z$/.test(name)))
    memory.record([contact('192.0.2.1')])
    t.end()
  })
}

t.test('a database of a later version is left as it is', (t) => {
  const folder = temporaryFolder(t)
  const database = new Database(databaseFile(folder))
  database.pragma('user_version = 99')
  database.close()
  const { memory, log } = open(t, folder)
  t.equal(memory.state.degraded, true)
  t.match(log.lines[0], [
    'error',
    /^cannot open the memory/,
    { reason: 'it is of version 99, and this program knows 1 at most' },
  ])
  t.end()
})

t.test('without a folder nothing is kept, and that is said', (t) => {
  const { memory, log } = open(t, '')
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
  open(t, folder).memory.record([contact('192.0.2.1')])
  t.same(
    [folder, databaseFile(folder)].map((path) => (statSync(path).mode & 0o777).toString(8)),
    ['700', '600'],
  )
  t.end()
})

t.test('without a disk, so many are remembered and no more: those seen last', (t) => {
  const { memory } = open(t, '')
  const name = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`
  memory.record(Array.from({ length: 100_003 }, (_, i) => contact(name(i), { lastSeenMs: i })))
  memory.refresh()
  memory.record([contact(name(2), { life: 'boot:2' }), contact(name(3), { life: 'boot:2' })])
  t.equal(memory.state.newDestinations.get('eth0'), 100_004)
  t.end()
})
