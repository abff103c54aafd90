import assert from 'node:assert/strict'
import { join } from 'node:path'
import t from 'tap'
import { eventually } from '../support/await.js'
import { startExporter } from '../support/exporter.js'
import { temporaryFolder } from '../support/memory.js'
import { silentPair } from '../support/network.js'
import {
  addresses,
  auditEventsIn,
  destinationsCommand,
  lockDatabase,
  remembers,
  sendTo,
  startDestinationsCommand,
  told,
} from '../support/remembering.js'

type Test = Parameters<typeof silentPair>[0]

/** An exporter with an audit log that has announced what it was sent. */
async function setUp(t: Test, destinations: readonly string[]) {
  const host = silentPair(t, 'veth0')
  const folder = temporaryFolder(t)
  const file = join(folder, 'audit')
  const flags = [
    '--interface=veth0',
    `--storage.path=${folder}`,
    `--audit.file=${file}`,
    '--poll.interval=1s',
  ]
  const start = () => startExporter(t, host, ...flags)
  const exporter = await start()
  sendTo(host, ...destinations)
  await eventually(() => assert.equal(remembers(exporter.samples()).unacknowledged, destinations.length))
  return { host, folder, file, exporter, start }
}

t.test('acknowledged by twenty at once, that waited for a lock: each is in the audit log', async (t) => {
  const all = addresses(20)
  const { folder, file, exporter } = await setUp(t, all)
  const lock = lockDatabase(folder)
  // The first have looked at the clock long before the last.
  const started = all.slice(0, 3).map((one) => startDestinationsCommand(folder, 'ack', one))
  await eventually(() => assert.equal(remembers(exporter.samples()).unacknowledged, 20))
  started.push(...all.slice(3).map((one) => startDestinationsCommand(folder, 'ack', one)))
  lock.release()
  const codes = await Promise.all(started)
  await eventually(() => {
    const done = all.filter((_, i) => codes[i] === 0)
    assert.deepEqual(told(auditEventsIn(file), 'acknowledged'), done.toSorted())
    assert.equal(remembers(exporter.samples()).unacknowledged, 20 - done.length)
  })
  t.same(codes, Array(20).fill(0))
  t.equal(await exporter.stop(), 0)
})

t.test('acknowledged while the exporter is stopped: the next run tells of it', async (t) => {
  const { folder, file, exporter, start } = await setUp(t, addresses(3))
  await exporter.stop()
  destinationsCommand(folder, 'ack', '203.0.113.2', '--note', 'fine')
  const next = await start()
  await eventually(() =>
    assert.deepEqual(
      auditEventsIn(file)
        .filter(({ event }) => event === 'acknowledged')
        .map(({ destination, note }) => [destination, note]),
      [['203.0.113.2', 'fine']],
    ),
  )
  t.equal(remembers(next.samples()).unacknowledged, 2)
  t.equal(await next.stop(), 0)
})

t.test('forgotten by command: the audit log says so, and it is new when it comes again', async (t) => {
  const { host, folder, file, exporter } = await setUp(t, addresses(3))
  destinationsCommand(folder, 'ack', '203.0.113.0/24')
  await eventually(() => assert.equal(remembers(exporter.samples()).unacknowledged, 0))
  destinationsCommand(folder, 'forget', '203.0.113.2')
  await eventually(() => assert.deepEqual(told(auditEventsIn(file), 'forgotten'), ['203.0.113.2']))
  await eventually(() => {
    sendTo(host, '203.0.113.2')
    assert.deepEqual(remembers(exporter.samples()).announced, ['203.0.113.2'])
  })
  t.equal(await exporter.stop(), 0)
})
