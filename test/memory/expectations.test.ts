import Database from 'better-sqlite3'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { databaseFile } from '../../src/memory/database-file.js'
import { Store } from '../../src/memory/store.js'
import { unknownNetwork } from '../../src/networks/network.js'
import { announced, auditLines, contact, openMemory, temporaryFolder } from '../support/memory.js'

const statusOf = (store: Store) =>
  [...store.select({})].map(({ destination, status, note }) => [destination, status, note])

t.test('what a rule expects is remembered, told, and no news', (t) => {
  const folder = temporaryFolder(t)
  const auditFile = join(folder, 'audit.log')
  const { memory } = openMemory(t, folder, {
    auditFile,
    expectations: ['port=53', 'prefix=203.0.113.0/24 port=443'],
  })
  memory.record([contact('203.0.113.1'), contact('192.0.2.1'), contact('192.0.2.2', { port: 53 })])
  t.same(announced(memory), ['192.0.2.1'])
  t.equal(memory.state.unacknowledged, 1)
  t.same([...memory.state.newDestinations], [['eth0', 1]])
  while (memory.writeAudit());
  t.same(
    auditLines(auditFile).map(({ event, status, note }) => [event, status, note]),
    [
      ['first_contact', 'expected', 'prefix=203.0.113.0/24 port=443'],
      ['first_contact', 'new', undefined],
      ['first_contact', 'expected', 'port=53'],
    ],
  )
  t.end()
})

t.test('a rule that somebody makes holds for what was new already, and for what comes later', (t) => {
  const folder = temporaryFolder(t)
  const auditFile = join(folder, 'audit.log')
  const { memory, clock } = openMemory(t, folder, { auditFile, retentionMs: 1e9 })
  memory.record([contact('203.0.113.1'), contact('192.0.2.1')])
  const store = new Store(folder)
  t.teardown(() => store.close())
  store.expectations.add({ rule: 'prefix=203.0.113.0/24', atMs: 7, note: 'our CDN' })
  store.expectations.add({ rule: 'colour=red', atMs: 7, note: null })
  memory.refresh()
  t.same(announced(memory), ['192.0.2.1'])
  memory.record([contact('203.0.113.2')])
  t.same(announced(memory), ['192.0.2.1'])
  t.same(statusOf(store), [
    ['192.0.2.1', 'new', null],
    ['203.0.113.1', 'expected', 'our CDN'],
    ['203.0.113.2', 'expected', 'our CDN'],
  ])
  while (memory.writeAudit());
  t.same(
    auditLines(auditFile).map(({ event, destination, status }) => [event, destination, status]),
    [
      ['first_contact', '203.0.113.1', 'new'],
      ['first_contact', '192.0.2.1', 'new'],
      ['acknowledged', '203.0.113.1', 'expected'],
      ['first_contact', '203.0.113.2', 'expected'],
    ],
  )
  memory.close()
  const { memory: next } = openMemory(t, folder, { clock })
  next.record([contact('203.0.113.3')])
  t.same(announced(next), ['192.0.2.1'], 'it outlives the process')
  store.expectations.remove('prefix=203.0.113.0/24')
  next.refresh()
  next.record([contact('203.0.113.4')])
  t.same(announced(next), ['192.0.2.1', '203.0.113.4'])
  t.end()
})

t.test('what becomes known later is judged then: a name, a network', (t) => {
  const names: string[] = []
  const files = {
    version: 'a',
    look: () => undefined,
    find: () => ({ ...unknownNetwork, network: names[1] ?? null }),
  }
  const { memory, clock } = openMemory(t, temporaryFolder(t), {
    newBy: 'service',
    serviceOf: () => names[0],
    networks: files,
    expectations: ['service=a.service', 'network=cdn'],
  })
  clock.pass(1)
  const own = { service: '', sender: { cgroup: '7', ingress: '', uid: 0 }, protocol: 6, port: 443, ageMs: 0 }
  memory.record([contact('203.0.113.1', { sender: own.sender, own })])
  names.push('a.service')
  memory.refresh()
  t.same(announced(memory), [], 'the service')
  memory.record([contact('203.0.113.1', { own: { ...own, service: 'b.service' } })])
  t.equal(memory.state.announced[0]?.service, 'b.service')
  names.push('cdn')
  files.version = 'b'
  memory.refresh()
  t.same(announced(memory), [], 'the network')
  t.equal(memory.state.unacknowledged, 0)
  memory.record([contact('203.0.113.1', { own: { ...own, service: 'c.service' } })])
  t.same(announced(memory), [], 'which is known to the next service as well')
  t.end()
})

t.test('a rule for one service leaves what is new for another', (t) => {
  const folder = temporaryFolder(t)
  const auditFile = join(folder, 'audit.log')
  const { memory, clock } = openMemory(t, folder, {
    newBy: 'service',
    auditFile,
    expectations: ['service=c'],
  })
  clock.pass(1)
  const sent = (service: string) => contact('203.0.113.1', { own: { ...contact('203.0.113.1'), service } })
  memory.record([sent('a'), sent('b'), sent('c')])
  const told = () => memory.state.announced.map(({ service }) => service)
  t.same(told(), ['a', 'b'])
  const store = new Store(folder)
  t.teardown(() => store.close())
  store.expectations.add({ rule: 'service=b', atMs: 7, note: null })
  memory.refresh()
  t.same(told(), ['a'])
  t.equal(memory.state.unacknowledged, 1)
  t.match(store.get('eth0', '203.0.113.1'), { status: 'new', note: null })
  store.expectations.add({ rule: 'service=a', atMs: 8, note: null })
  memory.refresh()
  t.same(told(), [])
  t.equal(memory.state.unacknowledged, 0)
  while (memory.writeAudit());
  t.same(
    auditLines(auditFile).map(({ event, service, status }) => [event, service, status]),
    [
      ['first_contact', 'a', 'new'],
      ['first_contact', 'b', 'new'],
      ['first_contact', 'c', 'expected'],
      ['acknowledged', 'b', 'expected'],
      ['acknowledged', 'a', 'expected'],
    ],
  )
  t.end()
})

t.test('a rule reaches what is beyond those that are announced', (t) => {
  const folder = temporaryFolder(t)
  const { memory } = openMemory(t, folder, { destinationsLimit: 5_000 })
  const addresses = Array.from({ length: 1_503 }, (_, n) => `10.${n < 1_009 ? 1 : 2}.${n >> 8}.${n & 255}`)
  memory.record(addresses.map((address) => contact(address)))
  const store = new Store(folder)
  t.teardown(() => store.close())
  store.expectations.add({ rule: 'prefix=10.2.0.0/16', atMs: 7, note: null })
  memory.refresh()
  t.equal(memory.state.unacknowledged, 1_009)
  t.end()
})

t.test('rules hold while the disk fails, and in what is saved of a ruined database', (t) => {
  const folder = temporaryFolder(t)
  const { memory, clock } = openMemory(t, folder)
  const store = new Store(folder)
  store.expectations.add({ rule: 'prefix=203.0.113.0/24', atMs: 7, note: null })
  memory.refresh()
  const unlock = lock(folder)
  memory.record([contact('203.0.113.1'), contact('192.0.2.1')])
  memory.refresh()
  t.ok(memory.state.degraded)
  memory.record([contact('203.0.113.2')])
  t.same(announced(memory), ['192.0.2.1'])
  unlock()
  memory.refresh()
  t.notOk(memory.state.degraded)
  memory.record([contact('203.0.113.3')])
  t.same(announced(memory), ['192.0.2.1'])
  store.close()
  memory.close()
  const file = databaseFile(folder)
  const bytes = readFileSync(file)
  const page = rootPage(file, 'new_destinations')
  writeFileSync(file, bytes.fill(0, (page - 1) * 4_096, page * 4_096))
  const { memory: next } = openMemory(t, folder, { clock })
  next.record([contact('203.0.113.4')])
  t.same(announced(next), ['192.0.2.1'])
  t.end()
})

function lock(folder: string): () => void {
  const other = new Database(databaseFile(folder))
  other.exec('BEGIN IMMEDIATE')
  return () => other.close()
}

function rootPage(file: string, name: string): number {
  const database = new Database(file)
  const page = database.prepare('SELECT rootpage FROM sqlite_master WHERE name = ?').pluck().get(name)
  database.close()
  return Number(page)
}
