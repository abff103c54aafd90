import { createSocket } from 'node:dgram'
import { rmSync } from 'node:fs'
import t from 'tap'
import { loadAddon } from '../../../src/kernel/native/addon.js'
import type { NativeExporter } from '../../../src/kernel/native/exporter.js'
import { unpack } from '../../../src/kernel/contacts.js'
import { eventually } from '../../support/await.js'
import { parseSamples } from '../../support/exporter.js'
import { seeded } from '../../support/random.js'

// These attach to this machine's loopback device and send nothing beyond it.
const loopback = 1
const addon = loadAddon()
const pinPath = `/sys/fs/bpf/egress-zero-first-${process.pid}`
const minuteMs = 60_000

interface Teardown {
  teardown(action: () => unknown): void
}

const options = {
  destinationsLimit: 64,
  prefixRules: [],
  ipv4PrefixLength: 32,
  ipv6PrefixLength: 128,
  aggregateReplies: false,
  servicesLimit: 0,
  pinPath: '',
}

async function start(
  t: Teardown,
  more: Partial<typeof options & { mapMemory: boolean }> = {},
): Promise<NativeExporter> {
  const exporter = new addon.Exporter({ ...options, ...more })
  t.teardown(() => exporter.close())
  await exporter.attach(loopback, 'lo', true, 'tcx')
  return exporter
}

function pins(t: Teardown): string {
  t.teardown(() => rmSync(pinPath, { recursive: true, force: true }))
  return pinPath
}

/** Sends packets to 127.9.10.`last`. */
function sender(t: Teardown): (last: number, count: number) => Promise<void> {
  const socket = createSocket('udp4')
  t.teardown(() => socket.close())
  return async (last, count) => {
    for (let i = 0; i < count; i++)
      await new Promise((resolve) => socket.send('x', 9, `127.9.10.${last}`, resolve))
  }
}

async function know(exporter: NativeExporter): Promise<void> {
  const found = await exporter.discover(1_000)
  await exporter.publish(
    found.keys,
    Float64Array.from(unpack(found), ({ firstSeenMs }) => firstSeenMs),
  )
}

/** The samples of a page for scrapers, or without a number of one for people. */
async function scrape(exporter: NativeExporter, zeroForMs?: number): Promise<Map<string, number>> {
  const buffer = Buffer.alloc(65_536)
  const reader = await exporter.read(false, zeroForMs, buffer)
  const samples = parseSamples(buffer.toString('utf8', 0, reader.filled))
  reader.close()
  return samples
}

const series = (unit: 'packets' | 'bytes', last: number) =>
  `egress_${unit}_total{interface="lo",destination="127.9.10.${last}"}`
const withheld = 'egress_withheld_packets{interface="lo"}'

for (const mapMemory of [true, false]) {
  t.test(
    `0 from the first page on, for so long, and never again${mapMemory ? '' : ', copied'}`,
    async (t) => {
      const exporter = await start(t, { mapMemory })
      const sendTo = sender(t)
      await sendTo(1, 19)
      await know(exporter)
      const people = await scrape(exporter)
      t.equal(people.get(series('packets', 1)), 19, 'people see what was counted')
      t.equal(people.get(withheld), 0)
      const first = await scrape(exporter, 0)
      t.equal(first.get(series('packets', 1)), 0, 'the first page for scrapers has 0, however short its time')
      t.equal(first.get(series('bytes', 1)), 0)
      t.ok((first.get(withheld) ?? 0) >= 19, 'and says what it withholds')
      t.ok((first.get('egress_withheld_bytes{interface="lo"}') ?? 0) >= 19 * (14 + 20 + 8 + 1))
      t.ok((first.get('egress_interface_packets_total{interface="lo"}') ?? 0) >= 19, 'totals are as they are')
      await sendTo(1, 4)
      t.equal((await scrape(exporter, minuteMs)).get(series('packets', 1)), 0)
      const revealed = await eventually(async () => {
        const page = await scrape(exporter, 100)
        if (page.get(series('packets', 1)) === 0) throw new Error('still 0')
        return page
      })
      t.equal(revealed.get(series('packets', 1)), 23)
      t.equal(revealed.get(series('bytes', 1)), 23 * (14 + 20 + 8 + 1))
      t.equal((await scrape(exporter, minuteMs)).get(series('packets', 1)), 23)
    },
  )
}

t.test('pages for scrapers and for people are not shared', async (t) => {
  const exporter = await start(t)
  await sender(t)(2, 19)
  await know(exporter)
  const buffers = [1, 2, 3, 4].map(() => Buffer.alloc(65_536))
  const readers = await Promise.all(
    buffers.map((buffer, index) => exporter.read(false, index % 2 === 0 ? undefined : minuteMs, buffer)),
  )
  const packets = readers.map((reader, index) =>
    parseSamples(buffers[index]?.toString('utf8', 0, reader.filled) ?? '').get(series('packets', 2)),
  )
  t.same(packets, [19, 0, 19, 0])
  for (const reader of readers) reader.close()
})

t.test('pins keep it', async (t) => {
  const sendTo = sender(t)
  const restart = async (exporter?: NativeExporter) => {
    exporter?.close()
    return await start(t, { pinPath: pins(t) })
  }
  const first = await restart()
  await sendTo(3, 19)
  await know(first)
  await scrape(first, 0)
  await eventually(async () => {
    if ((await scrape(first, 0)).get(series('packets', 3)) !== 19) throw new Error('still 0')
  })
  await sendTo(4, 23)
  await know(first)
  await scrape(first, minuteMs)
  await sendTo(5, 29)
  await know(first) // and no page has it
  first.close()
  await sendTo(6, 31) // while nothing runs
  const second = await restart()
  await know(second)
  const packets = (page: Map<string, number>) => [3, 4, 5, 6].map((last) => page.get(series('packets', last)))
  t.same(packets(await scrape(second, minuteMs)), [19, 0, 0, 0])
  await eventually(async () => {
    const seen = packets(await scrape(second, 100))
    if (seen.includes(0)) throw new Error('still 0')
    t.same(seen, [19, 23, 29, 31])
  })
})

for (const pinned of [true, false]) {
  t.test(`no counter falls, whoever looks how often${pinned ? ', and through restarts' : ''}`, async (t) => {
    const sendTo = sender(t)
    const random = seeded(pinned ? 23 : 29)
    const pick = (below: number) => Math.floor(random() * below)
    const path = pinned ? { pinPath: pins(t) } : { mapMemory: false }
    let exporter = await start(t, path)
    const seen = new Map<string, number>()
    const falls: string[] = []
    let zeros = 0
    for (let step = 0; step < 400; step++) {
      await sendTo(50 + pick(30), 1 + pick(5))
      if (random() < 0.5) await know(exporter)
      if (pinned && random() < 0.05) {
        exporter.close()
        exporter = await start(t, path)
        await know(exporter)
      }
      const asked = pick(3) === 0 ? pick(20) : pick(3) === 0 ? minuteMs : 0
      for (const [name, value] of await scrape(exporter, asked)) {
        if (!name.startsWith('egress_packets_total') || !name.includes('127.9.10.')) continue
        const before = seen.get(name)
        if (before === undefined && value === 0) zeros++
        else if (before === undefined) falls.push(`${name} began with ${value}`)
        else if (value < before) falls.push(`${name} fell from ${before} to ${value}`)
        seen.set(name, value)
      }
    }
    t.same(falls, [])
    t.equal(zeros, 30)
    await scrape(exporter, 0)
    const [last, people] = [await scrape(exporter, 0), await scrape(exporter)]
    t.same(
      [...seen.keys()].map((name) => last.get(name)),
      [...seen.keys()].map((name) => people.get(name)),
      'in the end all is shown',
    )
  })
}
