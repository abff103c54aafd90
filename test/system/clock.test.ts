import assert from 'node:assert/strict'
import t from 'tap'
import { eventually } from '../support/await.js'
import { type RunningExporter, startExporterWith } from '../support/exporter.js'
import { temporaryFolder } from '../support/memory.js'
import { silentPair } from '../support/network.js'
import { wallClock } from '../support/preload.js'
import {
  addresses,
  destinationsCommand,
  lookUntil,
  neverFalling,
  remembers,
  sendTo,
  stored,
} from '../support/remembering.js'

type Test = Parameters<typeof silentPair>[0]

const day = 86_400
/** Beyond the retention, both ways. */
const steps = { ahead: 500 * day, back: -500 * day }

/** A host whose clock can be set, and starts of its exporter with one memory. */
function setUp(t: Test, ...flags: string[]) {
  const host = silentPair(t, 'veth0')
  const folder = temporaryFolder(t)
  const clock = wallClock(t)
  const all = ['--interface=veth0', `--storage.path=${folder}`, '--poll.interval=1s', ...flags]
  const start = () => startExporterWith(t, host, { env: clock.env }, ...all)
  return { host, folder, clock, start }
}

/** That it says by how much the clock was set. */
async function saysStep(exporter: RunningExporter, seconds: number): Promise<void> {
  await eventually(() => {
    const said = exporter.log().map((line) => Number(/clock.*step_seconds=(-?[\d.]+)/.exec(line)?.[1]))
    assert.ok(
      said.some((step) => Math.abs(step - seconds) < 60),
      `it says nothing of ${seconds} s`,
    )
  })
}

for (const [way, step] of Object.entries(steps)) {
  t.test(`the clock is set ${way} while it runs, and right again: nothing is forgotten`, async (t) => {
    const { host, folder, clock, start } = setUp(t)
    const exporter = await start()
    sendTo(host, ...addresses(5))
    await eventually(() => assert.equal(remembers(exporter.samples()).unacknowledged, 5))
    destinationsCommand(folder, 'ack', '203.0.113.1', '203.0.113.2', '--note', 'fine')
    await eventually(() => assert.equal(remembers(exporter.samples()).unacknowledged, 3))
    const look = neverFalling(exporter)
    const before = stored(folder)

    clock.set(step)
    await saysStep(exporter, step)
    sendTo(host, ...addresses(5))
    sendTo(host, '198.51.100.1')
    await lookUntil(look, ({ unacknowledged }) => assert.equal(unacknowledged, 4))
    clock.set(0)
    await saysStep(exporter, -step)
    sendTo(host, '198.51.100.2')
    const after = await lookUntil(look, ({ unacknowledged }) => assert.equal(unacknowledged, 5))
    t.equal(after.newDestinations, 7)
    t.match(stored(folder), before, 'acknowledgements survive')
    await exporter.stop()

    const next = await start()
    sendTo(host, ...addresses(5))
    await eventually(() => assert.equal(remembers(next.samples()).newDestinations, 7))
    t.match(stored(folder), before)
    t.match(destinationsCommand(folder, '--status=acknowledged'), / fine$/m)
    t.equal(await next.stop(), 0)
  })

  t.test(`the clock is ${way} for a run, between two that have it right: all is known`, async (t) => {
    const { host, folder, clock, start } = setUp(t)
    for (const [seconds, count] of [
      [0, 5],
      [step, 7],
      [0, 11],
    ] as const) {
      clock.set(seconds)
      const exporter = await start()
      sendTo(host, ...addresses(count))
      // Those of the runs before are known, and no others.
      await eventually(() => assert.equal(remembers(exporter.samples()).newDestinations, count))
      t.equal(await exporter.stop(), 0)
      t.same(Object.keys(stored(folder)).length, count)
    }
  })

  t.test(
    `the clock is ${way} at the first start, and then set: it learns for as long as it was to`,
    async (t) => {
      const { host, folder, clock, start } = setUp(t, '--baseline.period=20s')
      clock.set(step)
      const began = performance.now()
      const exporter = await start()
      sendTo(host, '203.0.113.1')
      await eventually(() => assert.equal(stored(folder)['203.0.113.1'], 'baseline'))
      clock.set(0)
      await saysStep(exporter, -step)
      sendTo(host, '203.0.113.2')
      const learned = await eventually(() => {
        const status = stored(folder)['203.0.113.2']
        assert.ok(status)
        return status
      })
      // On a slow machine the time may be over.
      if (performance.now() - began < 20_000) t.equal(learned, 'baseline', 'learning does not end at once')
      const left = remembers(exporter.samples()).baselineEnd - Date.now() / 1_000
      t.ok(left < 20, `and it ends: in ${left} s`)
      await eventually(() => assert.ok(remembers(exporter.samples()).baselineEnd < Date.now() / 1_000))
      sendTo(host, '203.0.113.3')
      await eventually(() => assert.equal(stored(folder)['203.0.113.3'], 'new'))
      sendTo(host, '203.0.113.1')
      t.same(remembers(exporter.samples()).announced, ['203.0.113.3'])
      t.equal(await exporter.stop(), 0)
    },
  )
}
