import assert from 'node:assert/strict'
import t from 'tap'
import { eventually } from '../support/await.js'
import { startExporter } from '../support/exporter.js'
import { temporaryFolder } from '../support/memory.js'
import { Namespace, silence } from '../support/network.js'
import { destinationsCommand } from '../support/remembering.js'

const name = 'egress_new_destinations_total'

t.test('interfaces that are gone leave nothing once their last destination is forgotten', async (t) => {
  const host = new Namespace(t, 'churn')
  const folder = temporaryFolder(t)
  const flags = ['--interface=lan*', `--storage.path=${folder}`, '--poll.interval=1s']
  const add = (device: string) => {
    host.ip(`link add ${device} type veth peer name far-${device}`)
    for (const end of [device, `far-${device}`]) silence(host, end)
  }
  const series = (device: string) => `${name}{interface="${device}"}`
  const gone = ['lan1', 'lan2', 'lan3', 'lan4', 'lan5']
  for (const device of ['lan0', ...gone]) add(device)
  const exporter = await startExporter(t, host, ...flags)
  const shown = () => [...exporter.samples().keys()].filter((key) => key.startsWith(`${name}{`)).sort()
  for (const device of gone) host.traffic(`spray-frames ${device} 1`)
  await eventually(() =>
    assert.deepEqual(
      gone.map((device) => exporter.samples().get(series(device))),
      gone.map(() => 1),
    ),
  )
  for (const device of gone) host.ip(`link delete ${device}`)
  await eventually(() =>
    assert.equal(exporter.samples().get('egress_interface_attached{interface="lan5"}'), undefined),
  )
  t.same(shown(), ['lan0', ...gone].map(series), 'what is remembered is shown')
  destinationsCommand(folder, 'forget', '0.0.0.0/0')
  await eventually(() => assert.deepEqual(shown(), [series('lan0')]))
  t.equal(await exporter.stop(), 0)
})
