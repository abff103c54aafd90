import { join } from 'node:path'
import t from 'tap'
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
