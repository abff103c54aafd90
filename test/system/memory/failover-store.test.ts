import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import t from 'tap'
import { migrations } from '../../../src/memory/schema.js'
import { databaseFile } from '../../../src/memory/database-file.js'
import type { Contact } from '../../../src/kernel/contacts.js'
import { Store } from '../../../src/memory/store.js'
import { announced, contact, openMemory, smallDisk, temporaryFolder } from '../../support/memory.js'

const many = (count: number) =>
  Array.from({ length: count }, (_, i) => contact(`10.0.${i >> 8}.${i & 255}`, { firstSeenMs: 5_000 + i }))

/** Another process that writes, and does not come to an end. */
function lock(folder: string): () => void {
  const other = new Database(databaseFile(folder))
  other.exec('BEGIN IMMEDIATE')
  return () => other.close()
}

t.test('a full disk: what it misses is remembered meanwhile, and written when there is room', (t) => {
  const disk = smallDisk(t, '128k')
  const { memory, log } = openMemory(t, disk.folder)
  memory.record([contact('192.0.2.1')])
  memory.record(many(2_000))
  t.equal(memory.state.degraded, true)
  t.match(log.lines.at(-1), ['error', /^cannot write to the memory: /])
  t.equal(memory.state.newDestinations.get('eth0'), 2_001)
  t.same(
    [...memory.record([contact('192.0.2.1', { firstSeenMs: 9_000, record: '2' })])],
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
  memory.record(many(2_000).map((one) => ({ ...one, record: '2' })))
  const store = new Store(disk.folder)
  t.equal(store.count(), 2_001)
  t.equal(store.summary().newDestinations.get('eth0'), 2_001)
  store.close()
  t.end()
})

t.test('a locked disk: what it held stays announced, and no counter falls', (t) => {
  const folder = temporaryFolder(t)
  const { memory } = openMemory(t, folder)
  memory.record(many(5))
  const unlock = lock(folder)
  memory.record([contact('192.0.2.6', { firstSeenMs: 9_000 })])
  const states = [memory.state]
  memory.refresh()
  states.push(memory.state)
  unlock()
  memory.refresh()
  states.push(memory.state)
  t.same(
    states.map(({ degraded }) => degraded),
    [true, true, false],
  )
  for (const state of states) {
    t.equal(state.unacknowledged, 6)
    t.equal(state.announced.length, 6)
    t.equal(state.newDestinations.get('eth0'), 6)
  }
  t.end()
})

t.test('a locked disk: what is new for a service is remembered meanwhile', (t) => {
  const folder = temporaryFolder(t)
  const sent = (destination: string, service: string): Contact => ({
    ...contact(destination),
    own: { ...contact(destination), service },
  })
  const { memory, clock } = openMemory(t, folder, { newBy: 'service' })
  clock.pass(1)
  memory.record([sent('192.0.2.7', 'a.service')])
  const unlock = lock(folder)
  memory.record([sent('192.0.2.7', 'b.service'), sent('192.0.2.83', 'b.service')])
  memory.record([sent('192.0.2.7', 'a.service'), sent('192.0.2.7', 'b.service')])
  const told = () => memory.state.announced.map(({ service, destination }) => `${service} ${destination}`)
  const news = ['a.service 192.0.2.7', 'b.service 192.0.2.7', 'b.service 192.0.2.83']
  t.same(told(), news)
  memory.refresh()
  t.ok(memory.state.degraded)
  t.same(told(), news)
  unlock()
  memory.refresh()
  t.notOk(memory.state.degraded)
  t.same(told().sort(), news)
  t.same([...memory.state.newDestinations], [['eth0', 3]])
  memory.record([sent('192.0.2.7', 'b.service'), sent('192.0.2.83', 'b.service')])
  t.equal(memory.state.unacknowledged, 3)
  t.end()
})

t.test('a locked disk: who sent there first is still known to when it works again', (t) => {
  const folder = temporaryFolder(t)
  const first = openMemory(t, folder, { serviceOf: () => 'a.service' })
  first.memory.record([contact('192.0.2.7')])
  first.memory.close()
  const { memory, clock } = openMemory(t, folder, { newBy: 'service', clock: first.clock })
  clock.pass(1)
  const unlock = lock(folder)
  memory.record([{ ...contact('192.0.2.7'), own: { ...contact('192.0.2.7'), service: 'a.service' } }])
  memory.refresh()
  t.ok(memory.state.degraded)
  unlock()
  memory.refresh()
  t.notOk(memory.state.degraded)
  t.equal(memory.state.unacknowledged, 1, 'the host has it as new, and nobody else')
  t.same([...memory.state.newDestinations], [['eth0', 1]])
  t.end()
})

t.test('a read-only disk without a database: destinations are remembered as long as it runs', (t) => {
  const disk = smallDisk(t, '1m')
  disk.remount('ro')
  const { memory, log } = openMemory(t, disk.folder)
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

t.test('a read-only disk with a database: it is read, and decides what is new', (t) => {
  const disk = smallDisk(t, '1m')
  const first = openMemory(t, disk.folder, { baselineMs: 1_000 })
  first.memory.record([contact('192.0.2.1')])
  first.clock.pass(2_000)
  first.memory.record([contact('192.0.2.2', { firstSeenMs: 2_000 })])
  first.memory.close()
  disk.remount('ro')
  const { memory, clock } = openMemory(t, disk.folder, { baselineMs: 86_400_000, clock: first.clock })
  t.equal(memory.state.degraded, true)
  t.same(announced(memory), ['192.0.2.2'], 'what it held is shown')
  memory.record([contact('192.0.2.1', { record: '2' }), contact('192.0.2.3', { firstSeenMs: 3_000 })])
  t.same(announced(memory), ['192.0.2.2', '192.0.2.3'], 'its baseline is over')
  clock.pass(5_000)
  disk.remount('rw')
  memory.refresh()
  t.equal(memory.state.degraded, false)
  t.same(announced(memory), ['192.0.2.2', '192.0.2.3'])
  t.equal(memory.state.newDestinations.get('eth0'), 2)
  t.end()
})

t.test('a database that cannot be read: nothing is announced until it decides', (t) => {
  const folder = temporaryFolder(t)
  const first = openMemory(t, folder)
  first.memory.record([contact('192.0.2.1')])
  first.memory.close()
  renameSync(databaseFile(folder), `${folder}/kept`)
  // A folder in its place is neither a database nor its absence.
  mkdirSync(databaseFile(folder))
  const { memory } = openMemory(t, folder, { clock: first.clock })
  t.equal(memory.state.degraded, true)
  memory.record([contact('192.0.2.1', { record: '2' }), contact('192.0.2.2')])
  t.same(announced(memory), [])
  rmSync(databaseFile(folder), { recursive: true })
  renameSync(`${folder}/kept`, databaseFile(folder))
  memory.refresh()
  t.equal(memory.state.degraded, false)
  t.same(announced(memory), ['192.0.2.1', '192.0.2.2'])
  t.equal(memory.state.newDestinations.get('eth0'), 2)
  t.end()
})

for (const [what, content] of [
  ['no database', 'x'.repeat(8_192)],
  ['a damaged one', undefined],
] as const) {
  t.test(`${what}: it is set aside, not deleted`, (t) => {
    const folder = temporaryFolder(t)
    if (content === undefined) {
      const { memory } = openMemory(t, folder)
      memory.record(many(500))
      memory.close()
      const bytes = readFileSync(databaseFile(folder))
      writeFileSync(databaseFile(folder), bytes.fill(0xff, 100, 4_096))
    } else {
      writeFileSync(databaseFile(folder), content)
    }
    const { memory, log } = openMemory(t, folder)
    t.equal(memory.state.degraded, false)
    t.match(log.lines[0], ['error', /^the memory is corrupt: it was set aside/])
    t.ok(readdirSync(folder).some((name) => /^destinations\.db\.corrupt-\d{8}T\d{6}Z$/.test(name)))
    memory.record([contact('192.0.2.1')])
    t.end()
  })
}

t.test(
  'every page ruined in turn, between two runs and during one: it goes on, and saves what it can',
  (t) => {
    const folder = temporaryFolder(t)
    const first = openMemory(t, folder)
    first.memory.record(many(300))
    first.memory.close()
    const sound = readFileSync(databaseFile(folder))
    const pages = sound.length / 4_096
    t.ok(pages > 10, `${pages} pages`)
    let saved = 0
    for (let page = 0; page < pages; page++) {
      for (const running of [false, true]) {
        const at = temporaryFolder(t)
        const ruin = () =>
          writeFileSync(databaseFile(at), Buffer.from(sound).fill(0, page * 4_096, (page + 1) * 4_096))
        if (running) writeFileSync(databaseFile(at), sound)
        else ruin()
        const { memory } = openMemory(t, at, { baselineMs: 1_000 })
        if (running) ruin()
        memory.record([contact('192.0.2.1'), contact('10.0.0.7', { record: '2' })])
        memory.refresh()
        memory.update([contact('10.0.1.3', { record: '3' })])
        t.equal(memory.state.degraded, false, `page ${page}`)
        t.ok(memory.find({ interface: 'eth0', destination: '192.0.2.1' }))
        saved += memory.state.unacknowledged
        memory.close()
        const again = openMemory(t, at)
        t.notOk(
          again.log.lines.some(([level]) => level === 'error' && !running),
          'the next start is clean',
        )
        again.memory.close()
      }
    }
    t.ok(saved > pages * 300, `of ${2 * pages * 300} announced ones ${saved} stayed so`)
    t.end()
  },
)

t.test('a file that is deleted or exchanged: what it held is written to the one that is there', (t) => {
  const folder = temporaryFolder(t)
  const { memory, log } = openMemory(t, folder)
  memory.record(many(3))
  for (const suffix of ['', '-wal', '-shm']) rmSync(databaseFile(folder) + suffix)
  memory.refresh()
  t.match(log.lines.at(-2), ['warn', /^the memory's file was removed or exchanged/])
  t.equal(memory.state.degraded, false)
  const store = new Store(folder)
  t.equal(store.summary().unacknowledged, 3)
  store.close()

  const other = temporaryFolder(t)
  const restored = openMemory(t, other)
  restored.memory.record([contact('192.0.2.77')])
  restored.memory.close()
  renameSync(databaseFile(other), databaseFile(folder))
  memory.refresh()
  t.equal(memory.state.unacknowledged, 4)
  memory.record([contact('192.0.2.77', { record: '2' })])
  t.equal(memory.state.newDestinations.get('eth0'), 4)
  t.end()
})

t.test('a database of a later version is left as it is', (t) => {
  const folder = temporaryFolder(t)
  const database = new Database(databaseFile(folder))
  database.pragma('user_version = 99')
  database.close()
  const { memory, log } = openMemory(t, folder)
  t.equal(memory.state.degraded, true)
  t.match(log.lines[0], [
    'error',
    /^cannot open the memory/,
    { reason: `it is of version 99, and this program knows ${migrations.length} at most` },
  ])
  t.end()
})

t.test('a folder that cannot be made is a reason, and no end', (t) => {
  const { memory, log } = openMemory(t, '/proc/egress-exporter/memory')
  t.equal(memory.state.degraded, true)
  t.match(log.lines[0], ['error', /^cannot open the memory/, { reason: /ENOENT.*\/proc\/egress-exporter/ }])
  t.end()
})
