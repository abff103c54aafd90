import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import t from 'tap'
import { eventually } from '../../support/await.js'
import {
  closedSum,
  destination,
  modes,
  type RunningExporter,
  startExporter,
  total,
} from '../../support/exporter.js'
import { heldIds } from '../../support/fdinfo.js'
import { createNetwork, Namespace, silence } from '../../support/network.js'
import { framesTo } from '../../support/packets.js'

const frames = (count: number, to = '203.0.113.1') => framesTo(to, count)
const frameBytes = frames(1).length / 2
const counted = (packets: number) => ({ packets, bytes: packets * frameBytes })

/** Adds a pair whose first end sends nothing of its own, up. */
function addPair(host: Namespace, device: string, options = ''): void {
  host.ip(`link add ${device}${options} type veth peer name ${device}-far`)
  for (const end of [device, `${device}-far`]) silence(host, end)
}

const attachedValue = (exporter: RunningExporter, device: string) =>
  exporter.samples().get(`egress_interface_attached{interface="${device}"}`)

const untilAttached = (exporter: RunningExporter, device: string, value = 1) =>
  eventually(() => assert.equal(attachedValue(exporter, device), value))
const untilGone = (exporter: RunningExporter, device: string) =>
  eventually(() => assert.equal(attachedValue(exporter, device), undefined))

for (const mode of modes) {
  const flag = `--bpf.mode=${mode}`

  t.test(`${mode}: interfaces come, go, and come back`, async (t) => {
    const host = new Namespace(t, 'follow')
    const exporter = await startExporter(t, host, '--interface=lan*', '--interface.exclude=*-far', flag)
    t.match(exporter.log().join('\n'), 'no interface matches yet')

    addPair(host, 'lan0')
    addPair(host, 'wan0')
    await untilAttached(exporter, 'lan0')
    t.equal(attachedValue(exporter, 'wan0'), undefined)
    t.equal(attachedValue(exporter, 'lan0-far'), undefined)
    host.traffic('frames lan0', frames(23))
    t.same(destination(await exporter.settled('lan0'), '203.0.113.1', 'lan0'), counted(23))

    host.ip('link delete lan0')
    await untilGone(exporter, 'lan0')
    const gone = exporter.samples()
    t.same(destination(gone, '203.0.113.1', 'lan0'), counted(23), 'the last counts stay')
    t.same(total(gone, 'lan0'), counted(23))
    t.equal(gone.get('egress_destinations{interface="lan0"}'), 1)
    const firstSeen =
      'egress_destination_first_seen_timestamp_seconds{interface="lan0",destination="203.0.113.1"}'

    addPair(host, 'lan0')
    await untilAttached(exporter, 'lan0')
    host.traffic('frames lan0', frames(29))
    host.traffic('frames lan0', frames(31, '203.0.113.2'))
    const back = exporter.samples()
    t.same(destination(back, '203.0.113.1', 'lan0'), counted(23 + 29), 'the counter goes on')
    t.same(destination(back, '203.0.113.2', 'lan0'), counted(31))
    t.same(total(back, 'lan0'), counted(23 + 29 + 31))
    t.same(closedSum(back, 'lan0'), total(back, 'lan0'))
    t.equal(back.get('egress_new_destinations_total{interface="lan0"}'), 2)
    t.equal(back.get(firstSeen), gone.get(firstSeen))
  })

  t.test(`${mode}: a renamed interface and a reused ifindex do not mix counts`, async (t) => {
    const host = new Namespace(t, 'rename')
    addPair(host, 'lan0', ' index 77')
    const exporter = await startExporter(t, host, '--interface=lan[0-9]', flag)
    host.traffic('frames lan0', frames(23))
    host.ip('link set lan0 down')
    host.ip('link set lan0 name lan1')
    host.ip('link set lan1 up')
    await untilAttached(exporter, 'lan1')
    host.traffic('frames lan1', frames(29))
    host.ip('link delete lan1')
    await untilGone(exporter, 'lan1')
    addPair(host, 'lan2', ' index 77')
    await untilAttached(exporter, 'lan2')
    host.traffic('frames lan2', frames(31))
    const samples = exporter.samples()
    for (const [device, packets] of [
      ['lan0', 23],
      ['lan1', 29],
      ['lan2', 31],
    ] as const) {
      t.same(destination(samples, '203.0.113.1', device), counted(packets), device)
      t.same(total(samples, device), counted(packets))
    }
  })

  t.test(`${mode}: what somebody removes is noticed and attached again`, async (t) => {
    const host = new Namespace(t, 'removed')
    addPair(host, 'lan0')
    const exporter = await startExporter(t, host, '--interface=lan0', flag)
    host.traffic('frames lan0', frames(23))
    if (mode === 'tcx') {
      execFileSync('bpftool', ['link', 'detach', 'id', linkId(exporter.child.pid ?? 0)])
    } else {
      host.run(['tc', 'qdisc', 'delete', 'dev', 'lan0', 'clsact'])
    }
    await untilAttached(exporter, 'lan0', 0)
    await untilAttached(exporter, 'lan0')
    host.traffic('frames lan0', frames(29))
    t.same(destination(exporter.samples(), '203.0.113.1', 'lan0'), counted(23 + 29))
    t.match(
      exporter.log().join('\n'),
      /level=warn .*interface=lan0 .*reason="somebody removed the program" retry_seconds=1$/m,
    )
    t.equal(await exporter.stop(), 0)
    t.equal(host.run(['tc', 'filter', 'show', 'dev', 'lan0', 'egress']), '')
  })
}

t.test('the default routes are followed', async (t) => {
  const network = createNetwork(t)
  network.up()
  addPair(network.host, 'lan0')
  const exporter = await startExporter(t, network.host)
  t.equal(attachedValue(exporter, 'veth0'), 1)
  network.host.ip('route add default dev lan0 metric 500')
  await untilAttached(exporter, 'lan0')
  t.equal(attachedValue(exporter, 'veth0'), 1)
  network.host.ip('route delete default dev lan0 metric 500')
  await untilGone(exporter, 'lan0')
})

t.test('a thousand interfaces leave no descriptor and no series behind', async (t) => {
  const host = new Namespace(t, 'churn')
  const exporter = await startExporter(t, host, '--interface=churn*')
  const descriptors = () => readdirSync(`/proc/${exporter.child.pid}/fd`).length
  const residentMiB = () => (exporter.samples().get('process_resident_memory_bytes') ?? 0) / 2 ** 20
  let before = 0
  let residentBefore = 0
  for (let round = 0; round < 10; round++) {
    const names = Array.from({ length: 100 }, (_, index) => `churn${round}x${index}`)
    const add = names.map((name) => `link add ${name} group 23 type veth peer name p${name}`)
    host.run(['ip', '-batch', '-'], add.join('\n'))
    await untilAttached(exporter, names.at(-1) ?? '')
    host.ip('link delete group 23')
    await untilGone(exporter, names.at(-1) ?? '')
    if (round === 0) before = descriptors()
    if (round === 1) residentBefore = residentMiB()
  }
  // What 800 interfaces leave for the garbage collector, and not what they would if nobody let them go.
  const grown = residentMiB() - residentBefore
  t.ok(grown < 24, `${grown} MiB more than after the second round`)
  // That of a request that has just ended may still be there.
  await eventually(() => {
    const now = descriptors()
    assert.ok(now <= before, `${now} descriptors, ${before} after the first round`)
  })
  t.equal(
    [...exporter.samples().keys()].filter((series) => series.startsWith('egress_interface_attached')).length,
    0,
  )
})

/** The id of the only BPF link that a process holds. */
function linkId(pid: number): string {
  const ids = heldIds(pid, 'link_id')
  assert.equal(ids.length, 1)
  return ids[0] ?? ''
}
