import assert from 'node:assert/strict'
import { join } from 'node:path'
import t from 'tap'
import { eventually } from '../../support/await.js'
import { inCgroup, makeUnits } from '../../support/cgroups.js'
import { startExporter } from '../../support/exporter.js'
import { auditLines, temporaryFolder } from '../../support/memory.js'
import { remembers } from '../../support/remembering.js'
import { router, send } from '../../support/router.js'

t.test('the first sender of each destination, wherever users look', async (t) => {
  const { host, guest } = router(t)
  const [backup = '', cron = ''] = makeUnits(t, 'backup.service', 'cron.service')
  const auditFile = join(temporaryFolder(t), 'audit.log')
  const exporter = await startExporter(
    t,
    host,
    ...['--interface=wan0', '--destinations.exclude=none', '--bpf.mode=auto', `--audit.file=${auditFile}`],
  )
  // What came before the memory was open is its baseline.
  await eventually(() => assert.ok(remembers(exporter.samples()).baselineEnd > 0))
  host.run(inCgroup(backup, 34, ...send('203.0.113.1', 23)))
  host.run(inCgroup(cron, 0, ...send('203.0.113.1', 29)))
  host.run(inCgroup(cron, 0, ...send('203.0.113.2', 31)))
  guest.run(inCgroup(backup, 34, ...send('203.0.113.3', 37)))

  const expected = [
    { destination: '203.0.113.1', service: 'backup.service', uid: 34, packets: 52 },
    { destination: '203.0.113.2', service: 'cron.service', uid: 0, packets: 31 },
    { destination: '203.0.113.3', service: 'forwarded:lan0', uid: null, packets: 37 },
  ]
  const api = new URL('/api/v1/destinations?sort=destination', exporter.url).href
  await eventually(() => {
    const { destinations } = JSON.parse(exporter.get(api)) as { destinations: typeof expected }
    assert.deepEqual(
      destinations.map(({ destination, service, uid, packets }) => ({ destination, service, uid, packets })),
      expected,
    )
  })
  const info = (destination: string, service: string) =>
    `egress_destination_info{interface="wan0",destination="${destination}",protocol="udp",port="4433",service="${service}",status="new"}`
  for (const { destination, service } of expected)
    t.equal(exporter.samples().get(info(destination, service)), 1)
  await exporter.settled('wan0')
  t.match(auditLines(auditFile)[0], { event: 'first_contact', service: 'backup.service', uid: 34 })
})

t.test('a sender that is not known at once is named a second later, and not at the next poll', async (t) => {
  const { host } = router(t)
  const flags = ['--interface=wan0', '--destinations.exclude=none', '--poll.interval=1h']
  const exporter = await startExporter(t, host, ...flags)
  const api = new URL('/api/v1/destinations?sort=destination', exporter.url).href
  const services = () => {
    exporter.get()
    const { destinations } = JSON.parse(exporter.get(api)) as { destinations: { service: string | null }[] }
    return destinations.map(({ service }) => service)
  }
  const [backup = ''] = makeUnits(t, 'backup.service')
  host.run(inCgroup(backup, 34, ...send('203.0.113.1', 23)))
  t.same(services(), ['backup.service'], 'it was walked for')
  const [cron = ''] = makeUnits(t, 'cron.service')
  host.run(inCgroup(cron, 0, ...send('203.0.113.2', 29)))
  await eventually(() => assert.deepEqual(services(), ['backup.service', 'cron.service']))
})
