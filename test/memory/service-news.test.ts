import Database from 'better-sqlite3'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Contact, Sender } from '../../src/kernel/contacts.js'
import { databaseFile } from '../../src/memory/database-file.js'
import type { Memory } from '../../src/memory/memory.js'
import type { Remembered } from '../../src/memory/rows.js'
import { Store } from '../../src/memory/store.js'
import { announced, auditLines, contact, openMemory, temporaryFolder, TestClock } from '../support/memory.js'

const sender = (cgroup: string): Sender => ({ cgroup, ingress: '', uid: 1_009 })

/** A record that counts for a service. */
const sent = (destination: string, service: string, ageMs = 0, ownAgeMs = ageMs): Contact => ({
  ...contact(destination, { sender: sender('7'), ageMs }),
  own: { service, sender: sender('7'), protocol: 17, port: 53, ageMs: ownAgeMs },
})

/** What it announces, and for whom. */
const news = (memory: Memory) =>
  memory.state.announced.map(({ service, destination }) => `${service} ${destination}`)

const byService = { newBy: 'service', serviceOf: () => 'a.service' } as const
const a = '192.0.2.7'
const b = '192.0.2.83'

t.test('what one service knows is news of another, once', async (t) => {
  const auditFile = join(temporaryFolder(t), 'audit.log')
  const { memory, clock } = openMemory(t, temporaryFolder(t), { ...byService, auditFile })
  clock.pass(10_000)
  memory.record([sent(a, 'a.service', 5_000)])
  t.same(news(memory), [`a.service ${a}`], 'of both at once')
  t.same([...memory.state.newDestinations], [['eth0', 1]])
  memory.record([sent(a, 'b.service', 5_000, 1_000)])
  memory.record([sent(a, 'b.service'), sent(a, 'a.service')])
  t.same(news(memory), [`a.service ${a}`, `b.service ${a}`])
  t.same([...memory.state.newDestinations], [['eth0', 2]])
  t.equal(memory.state.unacknowledged, 2)
  const [first, second] = memory.state.announced
  t.match(second, { protocol: 17, port: 53, uid: 1_009, status: 'new' }, "the service's own first packet")
  t.equal(Number(second?.firstSeenMs) - Number(first?.firstSeenMs), 4_000)
  while (memory.writeAudit());
  t.same(
    auditLines(auditFile).map(({ event, service, port }) => [event, service, port]),
    [
      ['first_contact', 'a.service', 443],
      ['first_contact', 'b.service', 53],
    ],
  )
})

t.test('what nobody in particular sends is news of the host alone', async (t) => {
  const { memory, clock } = openMemory(t, '', byService)
  clock.pass(1)
  memory.record([sent(a, 'a.service')])
  for (const service of ['kernel', 'other', 'unknown']) memory.record([sent(a, service)])
  t.same(news(memory), [`a.service ${a}`])
  memory.record([sent(b, 'kernel')])
  t.same(news(memory), [`a.service ${a}`, `kernel ${b}`])
  memory.record([sent(b, 'b.service'), sent(b, 'kernel')])
  t.same(news(memory), [`a.service ${a}`, `kernel ${b}`, `b.service ${b}`])
  t.equal(memory.state.unacknowledged, 3)
})

t.test('a service without a name is remembered once it has one', async (t) => {
  const names: string[] = []
  const { memory, clock } = openMemory(t, '', { newBy: 'service', serviceOf: () => names[0] })
  clock.pass(1)
  memory.record([sent(a, 'a.service')])
  memory.refresh()
  memory.record([sent(a, ''), sent(b, '')])
  memory.refresh()
  t.same(news(memory), [`a.service ${a}`], 'the others have no name yet')
  t.ok(memory.isNaming)
  names.push('late.service')
  memory.refresh()
  t.same(news(memory), [`a.service ${a}`, `late.service ${b}`, `late.service ${a}`])
  t.notOk(memory.isNaming)
  memory.record([sent(a, 'late.service'), sent(b, 'late.service')])
  t.equal(memory.state.unacknowledged, 3)
})

t.test(
  'who acknowledges a destination does so for all that send there, and forgets it with them',
  async (t) => {
    const folder = temporaryFolder(t)
    const { memory, clock } = openMemory(t, folder, byService)
    clock.pass(1)
    memory.record([sent(a, 'a.service'), sent(a, 'b.service'), sent(b, 'b.service')])
    const store = new Store(folder)
    t.teardown(() => store.close())
    const selected = (status?: 'new' | 'acknowledged') =>
      [...store.select({ ...(status && { status }) })].map((one) => [
        one.service,
        one.destination,
        one.status,
      ])
    t.same(selected('new'), [
      ['a.service', a, 'new'],
      ['b.service', a, 'new'],
      ['b.service', b, 'new'],
    ])
    const [known] = [...store.select({})]
    store.acknowledge(known as Remembered, 0, null)
    memory.refresh()
    t.same(news(memory), [`b.service ${b}`])
    memory.record([sent(a, 'c.service')])
    t.same(news(memory), [`b.service ${b}`, `c.service ${a}`], 'which is not acknowledged for others')
    t.same(selected(), [
      ['a.service', a, 'new'],
      ['b.service', b, 'new'],
    ])
    t.same(selected('acknowledged'), [], 'nor on the whole')
    store.forget([known as Remembered])
    memory.refresh()
    t.same(news(memory), [`b.service ${b}`])
    memory.update([sent(a, 'a.service'), sent(a, 'b.service')])
    t.same(news(memory), [`b.service ${b}`, `a.service ${a}`, `b.service ${a}`])
  },
)

t.test('it is learned from when that is first asked for, and not kept longer than that', async (t) => {
  const folder = temporaryFolder(t)
  const clock = new TestClock()
  const open = (newBy: 'destination' | 'service') => {
    const { memory } = openMemory(t, folder, { ...byService, newBy, clock, baselineMs: 10_000 })
    return memory
  }
  const first = open('destination')
  first.record([sent(a, 'a.service')])
  first.close()
  clock.pass(20_000)
  for (const known of ['a.service', 'b.service']) {
    const memory = open('service')
    memory.record([sent(a, known)])
    t.same(news(memory), [])
    t.equal(memory.state.baselineEndMs, 1_030_000)
    memory.close()
    clock.pass(1_000)
  }
  clock.pass(10_000)
  const second = open('service')
  second.record([sent(a, 'a.service'), sent(a, 'b.service'), sent(a, 'c.service')])
  t.same(news(second), [`c.service ${a}`])
  second.close()
  const third = open('destination')
  t.same(news(third), [])
  third.record([sent(a, 'd.service')])
  t.same(news(third), [])
  t.equal(new Store(folder).services.count(), 0)
})

t.test('what was news of the host before is not news of its sender as well', async (t) => {
  const folder = temporaryFolder(t)
  const first = openMemory(t, folder, { serviceOf: () => 'a.service' })
  first.memory.record([sent(a, 'a.service')])
  first.memory.close()
  const { memory, clock } = openMemory(t, folder, { ...byService, clock: first.clock })
  clock.pass(1)
  memory.record([sent(a, 'a.service'), sent(a, 'b.service')])
  t.same(news(memory), [`a.service ${a}`, `b.service ${a}`])
  t.equal(memory.state.unacknowledged, 2)
  new Store(folder).close()
  memory.close()
  const next = openMemory(t, folder, { ...byService, clock })
  t.equal(next.memory.state.unacknowledged, 2)
  t.same(news(next.memory).sort(), [`b.service ${a}`, `a.service ${a}`].sort())
})

t.test('a service that no longer sends there is forgotten, the destination stays', async (t) => {
  const { memory, clock } = openMemory(t, '', { ...byService, retentionMs: 60_000 })
  clock.pass(1)
  memory.record([sent(a, 'a.service'), sent(a, 'b.service')])
  clock.pass(50_000)
  memory.update([sent(a, 'a.service')])
  clock.pass(20_000)
  memory.refresh()
  t.same(announced(memory), [a])
  t.same(news(memory), [`a.service ${a}`])
  memory.update([sent(a, 'b.service')])
  t.same(news(memory), [`a.service ${a}`, `b.service ${a}`])
})

t.test('a ruined database leaves what was announced, and what it can tell of services', async (t) => {
  const folder = temporaryFolder(t)
  const { memory, clock } = openMemory(t, folder, byService)
  clock.pass(1)
  memory.record([sent(a, 'a.service'), sent(a, 'b.service'), sent(b, 'b.service')])
  memory.close()
  const file = databaseFile(folder)
  const database = new Database(file)
  const page = database
    .prepare("SELECT rootpage FROM sqlite_master WHERE name = 'new_destinations'")
    .pluck()
    .get()
  database.close()
  writeFileSync(file, readFileSync(file).fill(0, (Number(page) - 1) * 4_096, Number(page) * 4_096))
  const again = openMemory(t, folder, { ...byService, clock })
  t.match(again.log.lines[0], ['error', /corrupt/])
  t.same(news(again.memory).sort(), [`a.service ${a}`, `b.service ${a}`, `b.service ${b}`])
})
