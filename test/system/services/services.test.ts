import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { forwarded } from '../../../src/services/service.js'
import { addon, loopback, options, page } from '../../support/addon.js'
import { eventually } from '../../support/await.js'
import { inCgroup, makeUnits } from '../../support/cgroups.js'
import { type RunningExporter, startExporter } from '../../support/exporter.js'
import { auditLines, temporaryFolder } from '../../support/memory.js'
import { send, router } from '../../support/router.js'
import { pinFolder } from '../../support/pins.js'

const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`

const alone = ['--interface=wan0', '--destinations.exclude=none']
const flags = [...alone, '--services', '--new.by=destination']

/** Packets by destination and service, once everything is on the page. */
async function byService(exporter: RunningExporter): Promise<Record<string, number>> {
  const samples = await exporter.settled('wan0')
  return Object.fromEntries(
    [...samples].flatMap(([series, value]) => {
      const [, destination, service] =
        /^egress_packets_total\{interface="wan0",destination="([^"]*)",service="((?:[^"\\]|\\.)*)"\}$/.exec(
          series,
        ) ?? []
      return service === undefined ? [] : [[`${destination} ${service}`, value]]
    }),
  )
}

/** Rows of the list: destination, service, packets. */
const ask = (exporter: RunningExporter, query: string) =>
  (
    JSON.parse(exporter.get(new URL(`/api/v1/destinations?${query}`, exporter.url).href)) as {
      destinations: { destination: string; service: string; packets: number }[]
    }
  ).destinations.map(({ destination, service, packets }) => [destination, service, packets])

t.test('who sends how much', async (t) => {
  const { host, guest } = router(t)
  const [backup = '', cron = '', odd = ''] = makeUnits(t, 'backup.service', 'cron.service', 'a"\\.service')
  const auditFile = join(temporaryFolder(t), 'audit.log')
  const exporter = await startExporter(t, host, ...flags, `--audit.file=${auditFile}`)
  host.run(inCgroup(backup, 34, ...send('203.0.113.1', 23)))
  host.run(inCgroup(cron, 0, ...send('203.0.113.1', 29)))
  host.run(inCgroup(cron, 0, ...send('203.0.113.2', 31)))
  host.run(inCgroup(odd, 0, ...send('203.0.113.2', 37)))
  guest.run(inCgroup(backup, 34, ...send('203.0.113.3', 41)))
  const slice = backup.slice(0, backup.lastIndexOf('/')).replace(/^.*\//, '/')
  await eventually(async () =>
    assert.deepEqual(await byService(exporter), {
      '203.0.113.1 backup.service': 23,
      '203.0.113.1 cron.service': 29,
      '203.0.113.2 cron.service': 31,
      [`203.0.113.2 ${slice}/a\\"\\\\.service`]: 37,
      '203.0.113.3 forwarded:lan0': 41,
    }),
  )
  host.run(inCgroup(cron, 0, ...send('203.0.113.1', 43)))
  t.equal((await byService(exporter))['203.0.113.1 cron.service'], 29 + 43)

  const info = [...exporter.samples().keys()].filter((series) => series.startsWith('egress_service_info'))
  t.equal(info.length, 4)
  t.ok(
    info.includes(
      `egress_service_info{service="backup.service",kind="unit",slice="${slice.slice(1)}",container_id="",pod_uid="",cgroup="${slice}/backup.service"}`,
    ),
    info.join('\n'),
  )

  const api = new URL('/api/v1/destinations?sort=destination', exporter.url).href
  const { destinations } = JSON.parse(exporter.get(api)) as {
    destinations: { destination: string; packets: number; service: string }[]
  }
  t.same(
    destinations.map(({ destination, packets, service }) => ({ destination, packets, service })),
    [
      { destination: '203.0.113.1', packets: 23 + 29 + 43, service: 'backup.service' },
      { destination: '203.0.113.2', packets: 31 + 37, service: 'cron.service' },
      { destination: '203.0.113.3', packets: 41, service: 'forwarded:lan0' },
    ],
    'a destination is one, whoever sends there',
  )
  t.same(ask(exporter, 'service=backup.service'), [['203.0.113.1', 'backup.service', 23]], 'its own counts')
  t.same(
    ask(exporter, 'search=203.0.113.1&by=service&sort=packets'),
    [
      ['203.0.113.1', 'backup.service', 23],
      ['203.0.113.1', 'cron.service', 29 + 43],
    ],
    'who sends there',
  )
  t.same(ask(exporter, `service=${encodeURIComponent(`${slice}/a"\\.service`)}`), [
    ['203.0.113.2', `${slice}/a"\\.service`, 37],
  ])
  t.same(ask(exporter, 'service=nobody.service'), [])
  const { services } = JSON.parse(exporter.get(api)) as { services: Record<string, number>[] }
  t.match(
    services.toSorted((a, b) => (a['bytes'] ?? 0) - (b['bytes'] ?? 0)),
    [
      { service: 'backup.service', packets: 23, destinations: 1 },
      { service: `${slice}/a"\\.service`, packets: 37, destinations: 1 },
      { service: 'forwarded:lan0', packets: 41, destinations: 1 },
      { service: 'cron.service', packets: 29 + 43 + 31, destinations: 2 },
    ],
  )
  t.same(
    auditLines(auditFile).map(({ event, destination }) => `${event} ${destination}`),
    ['first_contact 203.0.113.1', 'first_contact 203.0.113.2', 'first_contact 203.0.113.3'],
    'and new once',
  )
  t.equal(host.run(['promtool', 'check', 'metrics'], exporter.get()), '')
})

t.test('cgroups of one name are one service, however many come and go', async (t) => {
  const { host } = router(t)
  const [first = ''] = makeUnits(t, 'run-u1.service')
  const exporter = await startExporter(t, host, ...flags, '--services.limit=3')
  host.run(inCgroup(first, 0, ...send('203.0.113.1', 23)))
  await eventually(async () =>
    assert.deepEqual(await byService(exporter), { '203.0.113.1 run-*.service': 23 }),
  )
  for (let job = 2; job <= 12; job++) {
    const cgroup = join(first, `../run-u${job}.service`)
    mkdirSync(cgroup)
    host.run(inCgroup(cgroup, 0, ...send('203.0.113.1', 7)))
    if (job % 2 === 0) host.run(inCgroup(cgroup, 0, ...send('203.0.113.2', 5)))
    // While the cgroup is there: who came and went in between would be unknown.
    await eventually(async () =>
      assert.deepEqual(await byService(exporter), {
        '203.0.113.1 run-*.service': 23 + (job - 1) * 7,
        '203.0.113.2 run-*.service': Math.floor(job / 2) * 5,
      }),
    )
    rmdirSync(cgroup)
  }
})

t.test('cgroups that nobody could look at are unknown, together', async (t) => {
  const { host } = router(t)
  const [here = ''] = makeUnits(t, 'here.service')
  const exporter = await startExporter(t, host, ...flags, '--poll.interval=1h')
  for (let job = 1; job <= 7; job++) {
    const cgroup = join(here, `../job${job}`)
    mkdirSync(cgroup)
    host.run(inCgroup(cgroup, 0, ...send('203.0.113.1', 13)))
    rmdirSync(cgroup)
  }
  await eventually(async () => assert.deepEqual(await byService(exporter), { '203.0.113.1 unknown': 7 * 13 }))
})

t.test('beyond the limit the rest is other, until there is room', async (t) => {
  const { host } = router(t)
  const units = makeUnits(t, ...['a', 'b', 'c', 'd'].map((name) => `${name}.service`))
  const exporter = await startExporter(t, host, ...flags, '--services.limit=3')
  // In one second: then the one that is quiet for longest makes room.
  const commands = units.map((unit, index) =>
    inCgroup(unit, 0, ...send('203.0.113.1', [23, 29, 31, 37][index] ?? 0)),
  )
  host.run(['sh', '-c', commands.map((command) => command.map(quoted).join(' ')).join('\n')])
  await eventually(async () => assert.equal((await byService(exporter))['203.0.113.1 other'], 37))
  const last = units.at(-1) ?? ''
  await eventually(async () => {
    host.run(inCgroup(last, 0, ...send('203.0.113.1', 41)))
    assert.ok((await byService(exporter))['203.0.113.1 d.service'])
  })
})

t.test('a service that falls silent leaves, and its destination with the last one', async (t) => {
  const { host } = router(t)
  const [backup = '', cron = ''] = makeUnits(t, 'backup.service', 'cron.service')
  const auditFile = join(temporaryFolder(t), 'audit.log')
  const idle = ['--destinations.idle-timeout=3s', `--audit.file=${auditFile}`]
  const exporter = await startExporter(t, host, ...flags, ...idle)
  host.run(inCgroup(backup, 34, ...send('203.0.113.1', 23)))
  const expired = (samples: Map<string, number>) =>
    samples.get('egress_unlisted_packets_total{interface="wan0",reason="expired"}')
  const events = () => auditLines(auditFile).map(({ event }) => event)
  await eventually(async () => {
    host.run(inCgroup(cron, 0, ...send('203.0.113.1', 1)))
    assert.deepEqual(Object.keys(await byService(exporter)), ['203.0.113.1 cron.service'])
  })
  t.equal(expired(exporter.samples()), 23)
  t.same(events(), ['first_contact'])
  await eventually(async () => assert.deepEqual(await byService(exporter), {}))
  await eventually(() => assert.deepEqual(events(), ['first_contact', 'expired']))
})

for (const oldKernel of [false, true]) {
  t.test(`a name comes, and with it what was counted${oldKernel ? ', on Linux 5.4' : ''}`, async (t) => {
    const exporter = new addon.Exporter({ ...options, servicesLimit: 5, oldKernel })
    t.teardown(() => exporter.close())
    await exporter.attach(loopback, 'lo', true, 'clsact')
    const units = makeUnits(t, 'first', 'second')
    const sendFrom = (cgroup: string, count: number) =>
      execFileSync('sh', inCgroup(cgroup, 0, ...send('127.9.9.1', count)).slice(1))
    const shown = async () =>
      (await page(exporter))
        .split('\n')
        .filter((line) => line.includes('egress_packets_total{') && line.includes('127.9.9.1'))
    const nameAll = async () => {
      const senders = await exporter.unnamedSenders()
      await exporter.nameSenders(senders.map(({ slot, sender }) => ({ slot, sender, ...forwarded('lan0') })))
      return senders
    }
    for (const [index, unit] of units.entries()) {
      sendFrom(unit, 13)
      const withheld = /^egress_withheld_packets\{interface="lo"\} (\d+)$/m.exec(await page(exporter))
      t.ok(Number(withheld?.[1]) >= 13, 'what has no name is withheld')
      const inode = lstatSync(unit, { bigint: true }).ino
      t.ok((await nameAll()).some(({ sender, cgroup }) => sender === inode && cgroup === String(inode)))
      t.same(await shown(), [
        `egress_packets_total{interface="lo",destination="127.9.9.1",service="forwarded:lan0"} ${13 * (index + 1)}`,
      ])
    }
    sendFrom(units[1] ?? '', 17)
    t.same(await exporter.unnamedSenders(), [])
    t.match(await shown(), [/ 43$/])
  })
}

t.test('counts and names outlive the process by pins, and another setting says what is lost', async (t) => {
  const { host } = router(t)
  const pins = pinFolder(t, host)
  const [backup = ''] = makeUnits(t, 'backup.service')
  const job = join(backup, '../run-u7.service')
  mkdirSync(job)
  const first = await startExporter(t, host, ...flags, `--bpf.pin-path=${pins}`)
  host.run(inCgroup(backup, 34, ...send('203.0.113.1', 23)))
  host.run(inCgroup(job, 34, ...send('203.0.113.1', 29)))
  await eventually(async () =>
    assert.deepEqual(await byService(first), {
      '203.0.113.1 backup.service': 23,
      '203.0.113.1 run-*.service': 29,
    }),
  )
  await first.kill()
  rmdirSync(job)
  host.run(inCgroup(backup, 34, ...send('203.0.113.1', 31)))
  const second = await startExporter(t, host, ...flags, `--bpf.pin-path=${pins}`)
  assert.deepEqual(await byService(second), {
    '203.0.113.1 backup.service': 23 + 31,
    '203.0.113.1 run-*.service': 29,
  })
  await second.stop()

  for (const [now, reason] of [
    [alone, 'they tell services apart; 2 destinations'],
    [flags, 'they do not tell services apart; 1 destinations'],
  ] as const) {
    const exporter = await startExporter(t, host, ...now, `--bpf.pin-path=${pins}`)
    t.match(
      exporter.log().filter((line) => line.includes('do not fit')),
      [`reason="${reason}"`],
    )
    host.run(inCgroup(backup, 34, ...send('203.0.113.1', 37)))
    const labels = now === alone ? '' : ',service="backup.service"'
    await eventually(() =>
      assert.equal(
        exporter.samples().get(`egress_packets_total{interface="wan0",destination="203.0.113.1"${labels}}`),
        37,
      ),
    )
    await exporter.stop()
  }
})
