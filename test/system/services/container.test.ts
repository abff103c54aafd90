import assert from 'node:assert/strict'
import t from 'tap'
import { eventually } from '../../support/await.js'
import { startContainer } from '../../support/container.js'
import { startExporter } from '../../support/exporter.js'
import { router, send } from '../../support/router.js'

t.test("what a container sends by the host's network is that container's", async (t) => {
  const { host } = router(t)
  const exporter = await startExporter(
    t,
    host,
    '--interface=wan0',
    '--destinations.exclude=none',
    '--services',
  )
  const [python, flag, script] = send('203.0.113.1', 23)
  const id = startContainer(t, host, `${python} ${flag} '${script}'; exec sleep infinity`)
  host.run(send('203.0.113.1', 29))
  const short = id.slice(0, 12)
  const packets = (samples: Map<string, number>) =>
    samples.get(
      `egress_packets_total{interface="wan0",destination="203.0.113.1",service="container:${short}"}`,
    )
  await eventually(async () => assert.equal(packets(await exporter.settled('wan0')), 23))
  const info = [...exporter.samples().keys()].find((series) =>
    series.includes(`service="container:${short}",kind=`),
  )
  t.match(info, `kind="container"`)
  t.match(info, `container_id="${id}"`)
})
