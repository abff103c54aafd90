import assert from 'node:assert/strict'
import t from 'tap'
import { type Contact, type NamedSender, type UnnamedSender, unpack } from '../../src/kernel/contacts.js'
import { Discovery, type Recorder } from '../../src/memory/discovery.js'
import type { Memory } from '../../src/memory/memory.js'
import { forwarded, type Service } from '../../src/services/service.js'
import { eventually } from '../support/await.js'
import { contact, openMemory, pack } from '../support/memory.js'

const sighting = (id: number, destination: string): Contact => contact(destination, { record: String(id) })

function setUp(
  t: { teardown(action: () => unknown): void },
  { pollIntervalMs = 3_600_000, servicesLimit = 0 } = {},
) {
  const { memory, log } = openMemory(t, '')
  // As its client has it.
  const recorder: Recorder = {
    record: async (contacts) => memory.record(unpack(contacts)),
    update: async (contacts) => memory.update(unpack(contacts)),
    expire: async (contacts) => memory.expire(unpack(contacts)),
    refresh: async () => memory.refresh(),
    nameSenders: async (senders) => senders.map(({ cgroup }) => services.get(cgroup)),
  }
  const services = new Map<string, Service>()
  const unnamed: UnnamedSender[] = []
  const named: NamedSender[] = []
  const unknown: Contact[] = []
  const active: Contact[] = []
  const retired: Contact[] = []
  const known: string[] = []
  const corrected: (readonly [bigint | undefined, number | undefined])[] = []
  const looks: (() => void)[] = []
  let gated = false
  const table = {
    discover: async (most: number) => {
      const found = unknown.slice(0, most)
      const records = unknown.length
      if (gated) await new Promise<void>((resolve) => looks.push(resolve))
      return { ...pack(found), looked: found.length, records }
    },
    takeRetired: async (most: number) => pack(retired.splice(0, most)),
    publish: async (keys: BigUint64Array, firstSeenMs: Float64Array) => {
      if (unknown.length === 0) corrected.push([keys[0], firstSeenMs[0]])
      known.push(...unknown.splice(0, firstSeenMs.length).map(({ destination }) => destination))
      // What a page may show is remembered.
      for (const name of known) if (!names(memory).includes(name)) throw new Error(`${name} is not`)
    },
    findActive: async () => ({ next: 23, ...pack(active.splice(0)) }),
    unnamedSenders: async () => unnamed,
    nameSenders: async (some: readonly NamedSender[]) => void named.push(...some),
  }
  const discovery = new Discovery(table, recorder, { pollIntervalMs, servicesLimit }, log)
  const gate = () => (gated = true)
  const naming = { services, unnamed, named }
  return { discovery, memory, unknown, active, retired, known, corrected, looks, log, gate, naming }
}

const names = (memory: Memory) => memory.state.announced.map(({ destination }) => destination)

t.test('what is found is remembered before it is known', async (t) => {
  const { discovery, memory, unknown, known } = setUp(t)
  unknown.push(...Array.from({ length: 701 }, (_, i) => sighting(i, `10.0.${i >> 8}.${i & 255}`)))
  await discovery.catchUp()
  t.equal(known.length, 701)
  t.equal(memory.state.unacknowledged, 701)
  await discovery.close()
})

t.test('senders are named as soon as it is known who they are', async (t) => {
  const { discovery, naming } = setUp(t, { servicesLimit: 23 })
  const sender = (slot: number) => ({ slot, sender: BigInt(slot), cgroup: String(slot), ingress: '' })
  naming.unnamed.push(sender(5), sender(7))
  naming.services.set('7', forwarded('lan0'))
  await discovery.catchUp()
  t.same(naming.named, [{ slot: 7, sender: 7n, ...forwarded('lan0') }])
  await discovery.close()
})

t.test('nobody needs to scrape', async (t) => {
  const { discovery, memory, unknown } = setUp(t, { pollIntervalMs: 1 })
  unknown.push(sighting(1, '192.0.2.1'))
  await eventually(() => assert.deepEqual(names(memory), ['192.0.2.1']))
  await discovery.close()
})

t.test('a call sees what was there before it, also while another is under way', async (t) => {
  const { discovery, unknown, known, looks, gate } = setUp(t)
  gate()
  const first = discovery.catchUp()
  await eventually(() => {
    if (looks.length === 0) throw new Error('it has not looked yet')
  })
  unknown.push(sighting(1, '192.0.2.1'))
  const second = discovery.catchUp()
  const third = discovery.catchUp()
  t.equal(second, third, 'they share it')
  const open = setInterval(() => looks.shift()?.(), 1)
  t.teardown(() => clearInterval(open))
  await first
  await second
  t.same(known, ['192.0.2.1'])
  await discovery.close()
})

t.test('what came last is remembered at the end', async (t) => {
  const { discovery, memory, unknown, active } = setUp(t)
  unknown.push(sighting(1, '192.0.2.1'))
  active.push({ ...sighting(2, '192.0.2.2'), packets: 5 })
  await discovery.close()
  t.same(names(memory), ['192.0.2.1', '192.0.2.2'])
})

t.test('what left the table is noted before what came after', async (t) => {
  const { discovery, memory, unknown, retired } = setUp(t)
  unknown.push(sighting(1, '192.0.2.1'))
  await discovery.catchUp()
  // Its first life ends with 7 packets, its second begins with 5.
  retired.push({ ...sighting(1, '192.0.2.1'), packets: 7 })
  unknown.push({ ...sighting(2, '192.0.2.1'), packets: 5 })
  await discovery.catchUp()
  t.equal(memory.find({ interface: 'eth0', destination: '192.0.2.1' })?.packets, 12)
  await discovery.close()
})

t.test('a call ends though more comes all the time', async (t) => {
  const { discovery, memory, unknown, looks, gate } = setUp(t)
  gate()
  unknown.push(sighting(0, '192.0.2.0'))
  const caughtUp = discovery.catchUp()
  // Each look is answered with one that came after the call.
  let rounds = 0
  const feeding = setInterval(() => {
    const look = looks.shift()
    if (!look) return
    rounds++
    unknown.push(sighting(rounds, `192.0.2.${rounds % 256}`))
    look()
  }, 1)
  t.teardown(() => clearInterval(feeding))
  await caughtUp
  t.equal(rounds, 1)
  t.same(names(memory), ['192.0.2.0'])
  await discovery.close()
})

t.test('a first contact that was mended is corrected in the table', async (t) => {
  const { discovery, memory, active, corrected } = setUp(t)
  memory.record([contact('192.0.2.1', { firstSeenMs: 500 })])
  active.push(contact('192.0.2.9', { firstSeenMs: 500 }), contact('192.0.2.1', { firstSeenMs: 900 }))
  memory.record([contact('192.0.2.9', { firstSeenMs: 500 })])
  await discovery.close()
  t.same(corrected, [[1n, 500]])
})

t.test('all that left is noted, at the end too', async (t) => {
  const { discovery, memory, unknown, retired } = setUp(t)
  const many = Array.from({ length: 307 }, (_, i) => sighting(i, `10.0.${i >> 8}.${i & 255}`))
  unknown.push(...many)
  await discovery.catchUp()
  const packets = () => many.map((one) => memory.find(one)?.packets)
  retired.push(...many.map((one) => ({ ...one, packets: 3 })))
  await discovery.retired()
  t.same(packets(), Array(307).fill(3))
  retired.push(...many.map((one) => ({ ...one, packets: 11 })))
  await discovery.close()
  t.same(packets(), Array(307).fill(11))
})

t.test('a table that cannot be read is in the log, and tried again', async (t) => {
  const { discovery, log, memory, unknown } = setUp(t, { pollIntervalMs: 1 })
  Object.defineProperty(unknown, 'slice', {
    configurable: true,
    value: () => {
      throw new Error('no')
    },
  })
  await eventually(() => assert.equal(log.lines.at(-1)?.[1], 'cannot remember destinations'))
  Reflect.deleteProperty(unknown, 'slice')
  unknown.push(sighting(1, '192.0.2.1'))
  await eventually(() => assert.deepEqual(names(memory), ['192.0.2.1']))
  await discovery.close()
})
