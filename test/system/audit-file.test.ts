import assert from 'node:assert/strict'
import { readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { eventually } from '../support/await.js'
import { startExporter } from '../support/exporter.js'
import { smallDisk, temporaryFolder } from '../support/memory.js'
import { silentPair } from '../support/network.js'
import { addresses, auditEvents, auditEventsIn, remembers, sendTo, told } from '../support/remembering.js'

const flags = (folder: string, auditFile: string) => [
  '--interface=veth0',
  `--storage.path=${folder}`,
  `--audit.file=${auditFile}`,
  '--poll.interval=1s',
]

t.test('a disk that has no room at one point of a line after the other', async (t) => {
  const host = silentPair(t, 'veth0')
  const pageBytes = 4096
  const disk = smallDisk(t, String(pageBytes))
  const file = join(disk.folder, 'audit')
  const exporter = await startExporter(t, host, ...flags(temporaryFolder(t), file))
  const all = addresses(503)
  sendTo(host, ...all)
  await eventually(() => assert.equal(remembers(exporter.samples()).newDestinations, all.length))
  const cuts = new Set<number>()
  // Each line is shorter than a page and no divisor of it.
  for (let pages = 1; pages <= 11; pages++) {
    disk.remount(`size=${pages * pageBytes}`)
    await eventually(() => {
      const text = readFileSync(file, 'utf8')
      const { degraded, audit } = remembers(exporter.samples())
      assert.equal(audit.events, auditEvents(text).length, 'whole lines, and all of them counted')
      const free = pages * pageBytes - text.length
      assert.ok(free < 512, 'no further line has room')
      assert.deepEqual([degraded, audit.events + audit.pending], [1, all.length])
      cuts.add(free)
    })
  }
  t.ok(cuts.size > 5, `it was cut at ${cuts.size} points of a line`)
  disk.remount('size=1m')
  await eventually(() => {
    const { degraded, audit } = remembers(exporter.samples())
    assert.deepEqual([degraded, audit], [0, { events: all.length, pending: 0, lost: 0 }])
  })
  t.same(told(auditEventsIn(file)), all.toSorted())
  t.equal(await exporter.stop(), 0)
})

t.test('stopped on a full disk, it tells the rest when it starts again', async (t) => {
  const host = silentPair(t, 'veth0')
  const disk = smallDisk(t, '4k')
  const folder = temporaryFolder(t)
  const file = join(disk.folder, 'audit')
  const first = await startExporter(t, host, ...flags(folder, file))
  const all = addresses(53)
  sendTo(host, ...all)
  await eventually(() => {
    const { audit } = remembers(first.samples())
    assert.ok(audit.pending > 0)
    assert.equal(audit.events + audit.pending, all.length)
  })
  t.equal(await first.stop(), 0)
  disk.remount('size=1m')
  const next = await startExporter(t, host, ...flags(folder, file))
  await eventually(() => assert.deepEqual(told(auditEventsIn(file)), all.toSorted()))
  t.equal(await next.stop(), 0)
})

for (const signal of ['SIGHUP'] as const) {
  t.test(`moved away under traffic, it begins a new file by ${signal}`, async (t) => {
    const host = silentPair(t, 'veth0')
    const file = join(temporaryFolder(t), 'audit')
    const exporter = await startExporter(t, host, ...flags(temporaryFolder(t), file))
    const old: string[] = []
    for (let round = 0; round < 5; round++) {
      sendTo(host, ...addresses(97, 1 + round * 97))
      await eventually(() => assert.ok(statSync(file).size > 0))
      old.unshift(`${file}.${round}`)
      renameSync(file, `${file}.${round}`)
      exporter.child.kill(signal)
      await eventually(() => statSync(file))
    }
    const all = addresses(485).toSorted()
    await eventually(() => assert.equal(remembers(exporter.samples()).audit.events, all.length))
    t.same(told(auditEventsIn(file, ...old)), all)
    t.equal(await exporter.stop(), 0)
    t.notMatch(exporter.log().join('\n'), 'Debugger listening')
  })
}

t.test('what it gives up, since nobody reads for long, is counted', async (t) => {
  const host = silentPair(t, 'veth0')
  const disk = smallDisk(t, '4k')
  const sent = 103_001
  const exporter = await startExporter(
    t,
    host,
    ...flags(temporaryFolder(t), join(disk.folder, 'audit')),
    '--destinations.limit=131072',
  )
  host.traffic(`spray-frames veth0 ${sent}`)
  await eventually(() => {
    const { newDestinations, audit } = remembers(exporter.samples())
    assert.equal(newDestinations, sent)
    assert.ok(audit.lost > 0)
    assert.equal(audit.events + audit.pending + audit.lost, sent)
  })
  disk.remount('size=100m')
  await eventually(() => assert.equal(remembers(exporter.samples()).audit.pending, 0))
  const { audit } = remembers(exporter.samples())
  t.equal(audit.events + audit.lost, sent)
  t.equal(told(auditEventsIn(join(disk.folder, 'audit'))).length, audit.events)
  t.equal(await exporter.stop(), 0)
})
