import assert from 'node:assert/strict'
import { join } from 'node:path'
import t from 'tap'
import { eventually } from '../../support/await.js'
import { inCgroup, makeUnits } from '../../support/cgroups.js'
import { program, startExporter } from '../../support/exporter.js'
import { auditLines, temporaryFolder } from '../../support/memory.js'
import { pinFolder } from '../../support/pins.js'
import { remembers } from '../../support/remembering.js'
import { router, send } from '../../support/router.js'

t.test('what is new for a service, wherever users look', async (t) => {
  const { host } = router(t)
  const [backup = '', web = ''] = makeUnits(t, 'backup.service', 'web.service')
  const folder = temporaryFolder(t)
  const auditFile = join(folder, 'audit.log')
  const start = () =>
    startExporter(
      t,
      host,
      ...['--interface=wan0', '--destinations.exclude=none', '--services', '--poll.interval=1s'],
      ...[`--storage.path=${folder}`, `--audit.file=${auditFile}`, `--bpf.pin-path=${pins}`],
    )
  const pins = pinFolder(t, host)
  let exporter = await start()
  await eventually(() => assert.ok(remembers(exporter.samples()).baselineEnd > 0))
  const announced = async () => {
    await exporter.settled('wan0')
    return [...exporter.samples().keys()].flatMap((series) => {
      const [, destination, service] =
        /^egress_destination_info\{.*,destination="(.*?)",.*,service="(.*?)",.*status="new"\}$/.exec(
          series,
        ) ?? []
      return service === undefined ? [] : [`${service} ${destination}`]
    })
  }
  const api = (query: string) =>
    JSON.parse(exporter.get(new URL(`/api/v1/destinations?${query}`, exporter.url).href)) as {
      unacknowledged: number
      destinations: { destination: string; service: string; status: string; packets: number }[]
    }
  host.run(inCgroup(backup, 34, ...send('203.0.113.1', 23)))
  await eventually(async () => assert.deepEqual(await announced(), ['backup.service 203.0.113.1']))
  host.run(inCgroup(web, 33, ...send('203.0.113.1', 29)))
  host.run(inCgroup(backup, 34, ...send('203.0.113.1', 31)))
  const both = ['backup.service 203.0.113.1', 'web.service 203.0.113.1']
  await eventually(async () => assert.deepEqual(await announced(), both))
  const sentBy = (service: string) =>
    exporter
      .samples()
      .get(`egress_packets_total{interface="wan0",destination="203.0.113.1",service="${service}"}`)
  t.same(['backup.service', 'web.service'].map(sentBy), [23 + 31, 29])
  t.equal(exporter.samples().get('egress_new_destinations_total{interface="wan0"}'), 2)
  t.equal(exporter.samples().get('egress_unacknowledged_destinations'), 2)
  const news = api('status=new&sort=first_seen')
  t.equal(news.unacknowledged, 2)
  t.same(
    news.destinations.map(({ service, packets, status }) => ({ service, packets, status })),
    ['backup.service', 'web.service'].map((service) => ({ service, packets: 23 + 29 + 31, status: 'new' })),
  )
  await eventually(() =>
    assert.deepEqual(
      auditLines(auditFile).map(({ event, service, uid }) => ({ event, service, uid })),
      [
        { event: 'first_contact', service: 'backup.service', uid: 34 },
        { event: 'first_contact', service: 'web.service', uid: 33 },
      ],
    ),
  )

  const destinations = (...words: string[]) =>
    host.run([...program, 'destinations', ...words, `--storage.path=${folder}`])
  const listed = JSON.parse(destinations('list', '--status=new', '--json')) as { service: string }[]
  t.same(
    listed.map(({ service }) => service),
    ['backup.service', 'web.service'],
  )
  destinations('ack', '203.0.113.1')
  await eventually(async () => assert.deepEqual(await announced(), []))
  t.equal(api('sort=destination').destinations[0]?.status, 'acknowledged')

  t.equal(await exporter.stop(), 0)
  exporter = await start()
  host.run(inCgroup(web, 33, ...send('203.0.113.1', 37)))
  host.run(inCgroup(web, 33, ...send('203.0.113.2', 41)))
  await eventually(async () => assert.deepEqual(await announced(), ['web.service 203.0.113.2']))
  t.equal(await exporter.stop(), 0)
})
