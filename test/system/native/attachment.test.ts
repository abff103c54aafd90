import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { addon, loopback, openLoopback, options, page } from '../../support/addon.js'
import { parseSamples } from '../../support/exporter.js'
import { heldIds } from '../../support/fdinfo.js'

/** How often this process hangs on the loopback device's egress: TCX links and clsact filters. */
const attached = () =>
  heldIds('self', 'link_id').length +
  (execFileSync('tc', ['filter', 'show', 'dev', 'lo', 'egress'], { encoding: 'utf8' }).match(
    /handle 0x65677265/g,
  )?.length ?? 0)

for (const mode of ['tcx', 'clsact'] as const) {
  t.test(`${mode}: closing detaches, twice as well as once`, async (t) => {
    const before = attached()
    const exporter = new addon.Exporter(options)
    t.equal(await exporter.attach(loopback, 'lo', true, mode), mode)
    t.equal(attached(), before + 1)
    const reading = exporter.read(false, undefined, Buffer.alloc(8192))
    exporter.close()
    exporter.close()
    t.equal(attached(), before)
    t.ok(await reading, 'a read under way ends well')
    t.throws(() => exporter.read(false, undefined, Buffer.alloc(8192)), { code: 'ECLOSED' })
    await t.rejects(async () => exporter.attach(loopback, 'lo', true, mode), { code: 'ECLOSED' })
  })
}

t.test('errors say what was tried, on what, and why', async (t) => {
  const exporter = new addon.Exporter(options)
  t.teardown(() => exporter.close())
  await exporter.attach(loopback, 'lo', true, 'tcx')
  await t.rejects(async () => exporter.attach(loopback, 'lo', true, 'tcx'), {
    code: 'EEXIST',
    operation: 'attach',
    object: 'lo',
  })
  const absent = 0x7fffffff
  await t.rejects(async () => exporter.attach(absent, 'gone', true, 'tcx'), {
    code: 'ENODEV',
    operation: 'attach tcx',
    object: 'gone',
  })
  await t.rejects(async () => exporter.attach(absent, 'gone', true, 'clsact'), {
    code: 'ENODEV',
    object: 'gone',
  })
  const samples = parseSamples(await page(exporter))
  t.equal([...samples.keys()].filter((series) => series.includes('gone')).length, 0)
})

t.test('opening and closing many times leaks no descriptor', async (t) => {
  const cycle = async () => {
    const exporter = new addon.Exporter(options)
    await exporter.attach(loopback, 'lo', true, 'tcx')
    exporter.close()
  }
  await cycle()
  const before = heldIds('self', 'map_id').length
  for (let i = 0; i < 20; i++) await cycle()
  t.equal(heldIds('self', 'map_id').length, before)
})

t.test('workers load it beside the main thread, and their end detaches', async (t) => {
  const before = attached()
  const script = `
    const { parentPort } = require('node:worker_threads')
    const addon = require(${JSON.stringify(new URL('../../../build/Release/egress.node', import.meta.url).pathname)})
    const exporter = new addon.Exporter(${JSON.stringify(options)})
    exporter.attach(1, 'lo', true, 'tcx')
      .then(() => exporter.read(false, undefined, Buffer.alloc(8192)))
      .then(() => parentPort.postMessage('counting'))
    setInterval(() => {}, 1000)`
  const workers = [0, 1].map(() => new Worker(script, { eval: true }))
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  t.equal(attached(), before + 2)
  await workers[0]?.terminate()
  t.equal(attached(), before + 1)
  await workers[1]?.terminate()
  t.equal(attached(), before)
  t.ok((await page(await openLoopback(t))).includes('egress_interface_packets_total{interface="lo"}'))
})
