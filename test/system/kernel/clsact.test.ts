import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { eventually } from '../../support/await.js'
import {
  destination,
  exporterCommand,
  program,
  type RunningExporter,
  startExporter,
  total,
} from '../../support/exporter.js'
import { type Namespace, silence, silentPair } from '../../support/network.js'
import { framesTo } from '../../support/packets.js'

const to = '203.0.113.1'
const flags = ['--interface=lan0', '--bpf.mode=clsact']
const send = (host: Namespace, count: number, device = 'lan0') =>
  host.traffic(`frames ${device}`, framesTo(to, count))
const tc = (host: Namespace, args: string) => host.run(['tc', ...args.split(' ')])
const filters = (host: Namespace) => tc(host, 'filter show dev lan0 egress')
const sample = (exporter: RunningExporter, name: string, device = 'lan0') =>
  exporter.samples().get(`egress_interface_${name}{interface="${device}"}`)

function run(host: Namespace, ...more: string[]) {
  const [file, args] = host.command(...exporterCommand(...more))
  const { status, stderr } = spawnSync(file, args, { encoding: 'utf8', timeout: 60_000 })
  return { status, complaint: stderr.split('\n').find((line) => line.startsWith('egress-exporter:')) }
}

t.test('an ingress qdisc in the place of clsact is refused by name', async (t) => {
  const host = silentPair(t, 'lan0')
  tc(host, 'qdisc add dev lan0 ingress')
  const { status, complaint } = run(host, ...flags)
  t.equal(status, 1)
  t.match(
    complaint,
    /interface lan0: an ingress qdisc has the place of clsact.* tc qdisc delete dev lan0 ingress/,
  )
  t.equal(tc(host, 'filter show dev lan0 ingress'), '', 'nothing is left there')
  const check = host.run([...program, 'check', '--bpf.mode=clsact'])
  t.match(check, /lan0 \(ether\): cannot be counted on\n +interface lan0: an ingress qdisc/)
})

t.test('one that is only matched is waited for, and its time is told', async (t) => {
  const host = silentPair(t, 'lan0')
  tc(host, 'qdisc add dev lan0 ingress')
  host.ip('link add lan1 type veth peer name far1')
  for (const end of ['lan1', 'far1']) silence(host, end)
  const exporter = await startExporter(t, host, '--interface=lan*', '--bpf.mode=clsact')
  t.equal(sample(exporter, 'attached'), 0)
  t.equal(sample(exporter, 'attached', 'lan1'), 1)
  t.equal(sample(exporter, 'uncounted_seconds_total', 'lan1'), 0)
  tc(host, 'qdisc delete dev lan0 ingress')
  const before = sample(exporter, 'uncounted_seconds_total') ?? 0
  t.ok(before > 0)
  await eventually(() => assert.equal(sample(exporter, 'attached'), 1))
  send(host, 23)
  t.equal(destination(exporter.samples(), to, 'lan0').packets, 23)
  const after = sample(exporter, 'uncounted_seconds_total') ?? 0
  t.ok(after >= before, `${after} s after ${before} s`)
  t.equal(sample(exporter, 'uncounted_seconds_total'), after, 'it does not go on')
  t.equal(exporter.log().filter((line) => line.includes('an ingress qdisc')).length, 1, 'said once')
})

t.test('priority 1 stays free, and filters of others are left alone', async (t) => {
  const host = silentPair(t, 'lan0')
  const exporter = await startExporter(t, host, ...flags)
  t.match(filters(host), /pref 2 bpf .*handle 0x65677265 egress_ethernet/)
  tc(host, 'filter add dev lan0 egress protocol ip prio 1 u32 match ip dst 198.51.100.9/32')
  send(host, 23)
  t.equal(destination(exporter.samples(), to, 'lan0').packets, 23)
  await eventually(() => assert.equal(sample(exporter, 'programs_before'), 1))
  t.match(
    exporter.log().join('\n'),
    /programs of others run first here and may hide packets.*programs="clsact: u32 filter at priority 1"/,
  )
  t.equal(await exporter.stop(), 0)
  t.match(filters(host), 'protocol ip pref 1 u32')
  t.notMatch(filters(host), 'egress_ethernet')
})

for (const [other, expected] of [
  ['protocol ip prio 1 u32 match ip dst 198.51.100.9/32', 2],
  ['protocol ip prio 2 u32 match ip dst 198.51.100.9/32', 3],
] as const) {
  t.test(`beside "${other}" it takes the lowest free priority`, async (t) => {
    const host = silentPair(t, 'lan0')
    tc(host, 'qdisc add dev lan0 clsact')
    tc(host, `filter add dev lan0 egress ${other}`)
    const exporter = await startExporter(t, host, ...flags)
    t.match(filters(host), new RegExp(`pref ${expected} bpf .*handle 0x65677265 egress_ethernet`))
    t.equal(sample(exporter, 'programs_before'), 1)
    send(host, 29)
    t.equal(destination(exporter.samples(), to, 'lan0').packets, 29)
    await exporter.kill()
    t.match(host.run([...program, 'cleanup']), 'removed the filter on lan0')
    t.notMatch(filters(host), 'egress_ethernet')
    t.match(filters(host), 'u32')
  })
}

t.test('it runs before a BPF filter at priority 1, whose handle may be ours', async (t) => {
  const host = silentPair(t, 'lan0')
  host.attachForeign(t, 'lan0', 'drop', 1, 1)
  const beside = await startExporter(t, host, ...flags)
  t.equal(sample(beside, 'programs_before'), 0)
  send(host, 23)
  t.equal(total(beside.samples(), 'lan0').packets, 23, 'before it drops them')
  await beside.stop()
  t.match(filters(host), 'foreign.o:[drop]')
  tc(host, 'qdisc delete dev lan0 clsact')

  host.attachForeign(t, 'lan0', 'drop', 1, 1, '0x65677265')
  const behind = await startExporter(t, host, ...flags)
  t.match(filters(host), /pref 2 bpf .*handle 0x65677265 egress_ethernet/)
  t.equal(sample(behind, 'programs_before'), 1)
  await behind.stop()
  t.match(filters(host), 'foreign.o:[drop]', 'a foreign filter of our handle stays')
})

t.test('a second exporter is refused with the process id of the first', async (t) => {
  const host = silentPair(t, 'lan0')
  const first = await startExporter(t, host, ...flags)
  const { status, complaint } = run(host, ...flags)
  t.equal(status, 1)
  t.match(complaint, `interface lan0: process ${first.child.pid} counts there already, by a clsact filter`)
  send(host, 23)
  t.equal(destination(first.samples(), to, 'lan0').packets, 23, 'the first counts on')
  const waiting = await startExporter(t, host, '--interface=lan*', '--bpf.mode=clsact')
  t.equal(sample(waiting, 'attached'), 0)
  await first.stop()
  await eventually(() => assert.equal(sample(waiting, 'attached'), 1))
  send(host, 29)
  t.equal(destination(waiting.samples(), to, 'lan0').packets, 29)
})

t.test('a device that is deleted is no removal', async (t) => {
  const host = silentPair(t, 'lan0')
  const exporter = await startExporter(t, host, '--interface=veth*', '--bpf.mode=clsact')
  const names = Array.from({ length: 60 }, (_, index) => `veth${index}`)
  host.run(
    ['ip', '-batch', '-'],
    names.map((name) => `link add ${name} type veth peer name p${name}`).join('\n'),
  )
  await eventually(() => assert.equal(sample(exporter, 'attached', 'veth59'), 1))
  host.run(['ip', '-batch', '-'], names.map((name) => `link delete ${name}`).join('\n'))
  await eventually(() => assert.equal(sample(exporter, 'attached', 'veth59'), undefined))
  t.notMatch(exporter.log().join('\n'), /somebody removed|not attached/)
})
