import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import t from 'tap'
import { unpack } from '../../../src/kernel/contacts.js'
import { orders } from '../../../src/kernel/ranking.js'
import {
  addon,
  firstSeen,
  know,
  loopback,
  openLoopback,
  options,
  page,
  pageWithoutKnowing,
  readNs,
  sendTo127,
  sharedNs,
  smallestBuffer,
  traffic,
} from '../../support/addon.js'
import { eventually } from '../../support/await.js'
import { parseSamples } from '../../support/exporter.js'

t.test('the addon needs libc and libstdc++ alone', async (t) => {
  const needed = execFileSync('readelf', ['-d', 'build/Release/egress.node'], { encoding: 'utf8' })
  const libraries = [...needed.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name)
  t.same(
    libraries.filter((name) => !/^(libc|libm|libgcc_s|libstdc\+\+|ld-linux.*)\.so/.test(name ?? '')),
    [],
  )
})

t.test('reads mapped memory, and element by element where a kernel cannot map', async (t) => {
  const mapped = new addon.Exporter(options)
  const copied = new addon.Exporter({ ...options, oldKernel: true })
  t.teardown(() => mapped.close())
  t.teardown(() => copied.close())
  t.equal(await mapped.attach(loopback, 'lo', true, 'tcx'), 'tcx')
  t.equal(await copied.attach(loopback, 'lo', true, 'tcx'), 'tcx')
  sendTo127(19, 1)
  for (const exporter of [mapped, copied]) {
    const samples = parseSamples(await page(exporter))
    t.equal(samples.get('egress_packets_total{interface="lo",destination="127.9.9.1"}'), 19)
    t.equal(samples.get('egress_bytes_total{interface="lo",destination="127.9.9.1"}'), 19 * (14 + 20 + 8 + 5))
  }
})

t.test('a page comes in whole lines, whatever the size of the buffer', async (t) => {
  const exporter = new addon.Exporter(options)
  t.teardown(() => exporter.close())
  await exporter.attach(loopback, 'a "name"\\', true, 'tcx')
  traffic('spray', '127.9.9.', '100')
  const text = await page(exporter, false, smallestBuffer)
  t.match(text, /^# HELP egress_packets_total .*\n# TYPE egress_packets_total counter\n/)
  t.match(text, 'egress_packets_total{interface="a \\"name\\"\\\\",destination="127.9.9.100"} 1\n')
  t.equal(text.match(/^egress_packets_total/gm)?.length, text.match(/^egress_bytes_total/gm)?.length)
  t.notMatch(text, /\n\n/)
  t.match(
    await page(exporter, true),
    /^# HELP egress_packets .*\n# TYPE egress_packets counter\negress_packets_total{/,
  )
  t.throws(() => exporter.read(false, undefined, Buffer.alloc(smallestBuffer - 1)), { name: 'RangeError' })
  const reader = await exporter.read(false, undefined, Buffer.alloc(smallestBuffer))
  t.throws(() => reader.fill(Buffer.alloc(smallestBuffer - 1)), { name: 'RangeError' })
})

t.test('chunks of any size make the same page', async (t) => {
  const exporter = new addon.Exporter(options)
  t.teardown(() => exporter.close())
  await exporter.attach(loopback, 'lo', true, 'tcx')
  for (let last = 1; last <= 23; last++) sendTo127(1, last)
  await know(exporter)
  // At the same time, so that they share a read.
  const sizes = [65_536, ...Array.from({ length: 41 }, (_, index) => smallestBuffer + 7 * index)]
  const pages = await Promise.all(sizes.map((size) => pageWithoutKnowing(exporter, false, size)))
  const [whole = ''] = pages
  t.match(whole, 'egress_packets_total{interface="lo",destination="127.9.9.23"} 1\n')
  const described = [...whole.matchAll(/^# HELP (\S+)/gm)].map(([, name]) => name)
  t.equal(new Set(described).size, described.length, 'each family is described once')
  for (const [index, page] of pages.entries()) t.equal(page, whole, `in chunks of ${sizes[index]}`)
})

t.test('scrapes at about the same time share a read', async (t) => {
  const exporter = new addon.Exporter(options)
  t.teardown(() => exporter.close())
  await exporter.attach(loopback, 'lo', true, 'tcx')
  sendTo127(1, 201)
  await know(exporter)
  const buffers = [1, 2, 3].map(() => Buffer.alloc(65_536))
  const readers = await Promise.all(buffers.map((buffer) => exporter.read(false, undefined, buffer)))
  t.equal(new Set(readers.map(({ readNs }) => readNs)).size, 1)
  const first = readers[0]?.readNs ?? 0n
  const second = await readNs(exporter)
  t.ok(second === first || second > first + sharedNs, 'one that comes soon shares it, too')
  await eventually(async () => assert.ok((await readNs(exporter)) > first + sharedNs))
  t.same(
    buffers[1]?.subarray(0, readers[1]?.filled),
    buffers[0]?.subarray(0, readers[0]?.filled),
    'each walks the whole page',
  )
  t.match(buffers[2]?.toString(), 'destination="127.9.9.201"} 1\n')
  for (const reader of readers) reader.close()
  t.ok((await readNs(exporter)) < (await readNs(exporter)), 'what nobody uses any more is not shared')
  t.throws(() => readers[0]?.fill(Buffer.alloc(smallestBuffer)), { code: 'ECLOSED' })
})

t.test('BPF statistics say what the program cost', async (t) => {
  const exporter = new addon.Exporter(options)
  t.teardown(() => exporter.close())
  await exporter.attach(loopback, 'lo', true, 'tcx')
  exporter.enableStatistics()
  sendTo127(19, 204)
  const { runs, seconds } = exporter.runStatistics()
  t.ok(runs >= 19, `${runs} runs`)
  t.ok(seconds > 0 && seconds < 1, `${seconds} s`)
})

t.test(
  'a destination is on no page before it is known, and shows the first contact that is remembered',
  async (t) => {
    const exporter = new addon.Exporter({ ...options, prefixRules: [] })
    t.teardown(() => exporter.close())
    await exporter.attach(loopback, 'lo', true, 'tcx')
    sendTo127(19, 205)
    const buffer = Buffer.alloc(65_536)
    const reader = await exporter.read(false, undefined, buffer)
    t.notMatch(buffer.toString('utf8', 0, reader.filled), '127.9.9.205')
    reader.close()
    const discovered = await exporter.discover(10_000)
    const index = unpack(discovered).findIndex(({ destination }) => destination === '127.9.9.205')
    t.match(unpack(discovered)[index], {
      ...{ interface: 'lo', port: 9, protocol: 17, packets: 19, bytes: 19 * (14 + 20 + 8 + 5) },
      record: String(discovered.keys[2 * index + 1]),
    })
    const [id = 0n, firstSeenNs = 0n] = discovered.keys.subarray(2 * index)
    await exporter.publish(BigUint64Array.of(id, firstSeenNs + 1n), Float64Array.of(1))
    t.notMatch(await pageWithoutKnowing(exporter), '127.9.9.205', 'of another life')
    await exporter.publish(BigUint64Array.of(id, firstSeenNs), Float64Array.of(23_000))
    t.match(
      await pageWithoutKnowing(exporter),
      'egress_destination_first_seen_timestamp_seconds{interface="lo",destination="127.9.9.205"} 23.000\n',
    )
    sendTo127(23, 205)
    const active = await exporter.findActive(0, 10_000)
    t.same((await exporter.findActive(active.next, 10_000)).count, 0, 'there are no more')
    t.match(
      unpack(active).find(({ destination }) => destination === '127.9.9.205'),
      { packets: 42, firstSeenMs: 23_000 },
    )
    t.notOk(
      unpack(await exporter.findActive(0, 10_000)).some(({ destination }) => destination === '127.9.9.205'),
      'nothing since',
    )
  },
)

t.test('a list can be ordered by each name, and by no other', async (t) => {
  const exporter = await openLoopback(t)
  sendTo127(1, 206)
  await know(exporter)
  for (const order of orders) {
    const { rows } = await exporter.rank({ order, descending: true, offset: 0, limit: 1 })
    t.match(rows, [{ interface: 'lo', packetsPerSecond: 0 }], order)
  }
  const query = { order: 'record' as 'port', descending: true, offset: 0, limit: 1 }
  t.throws(() => exporter.rank(query), { message: 'there is no such order' })
})

t.test('many unknown destinations are found bit by bit', async (t) => {
  const exporter = new addon.Exporter(options)
  t.teardown(() => exporter.close())
  await exporter.attach(loopback, 'lo', true, 'tcx')
  traffic('spray', '127.9.9.', '100')
  const names = new Set<string>()
  for (;;) {
    const found = await exporter.discover(7)
    if (found.count === 0) break
    const contacts = unpack(found)
    t.ok(contacts.length <= 7)
    t.equal(contacts.length, found.count)
    for (const { destination } of contacts) names.add(destination)
    await exporter.publish(found.keys, firstSeen(contacts))
  }
  t.ok(names.size >= 100, `${names.size} were found`)
})

t.test('when a destination was first seen does not move', async (t) => {
  const exporter = new addon.Exporter(options)
  t.teardown(() => exporter.close())
  await exporter.attach(loopback, 'lo', true, 'tcx')
  const before = Date.now() / 1000
  sendTo127(1, 200)
  const series = 'egress_destination_first_seen_timestamp_seconds{interface="lo",destination="127.9.9.200"}'
  const first = parseSamples(await page(exporter)).get(series) ?? 0
  t.ok(first >= before - 0.01 && first <= Date.now() / 1000 + 0.01, `${first} is after ${before}`)
  sendTo127(1, 200)
  t.equal(parseSamples(await page(exporter)).get(series), first)
})
