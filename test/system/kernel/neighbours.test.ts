import assert from 'node:assert/strict'
import t from 'tap'
import { loadAddon } from '../../../src/kernel/native/addon.js'
import { eventually } from '../../support/await.js'
import { destination, modes, startExporter, total } from '../../support/exporter.js'
import { ethernetFrame, type Namespace, silentPair } from '../../support/network.js'
import { ipv4 } from '../../support/packets.js'

// foreign_deny drops what goes to 203.0.113.9 and leaves all else to the next program.
const denied = '203.0.113.9'
const allowed = '203.0.113.1'

function send(host: Namespace): void {
  const frame = (to: string) => ethernetFrame('0800', ipv4({ to }))
  host.traffic(
    'frames lan0',
    [...Array(13).fill(frame(denied)), ...Array(17).fill(frame(allowed))].join('\n'),
  )
}

const placed = /programs="tcx: program \d+"$/

for (const mode of modes) {
  t.test(`${mode}: a clsact filter after ours keeps its verdict`, async (t) => {
    const host = silentPair(t, 'lan0')
    const exporter = await startExporter(t, host, '--interface=lan0', `--bpf.mode=${mode}`)
    host.attachForeign(t, 'lan0', 'deny')
    send(host)
    t.equal(destination(exporter.samples(), denied, 'lan0').packets, 13)
    t.equal(destination(exporter.samples(), allowed, 'lan0').packets, 17)
    t.equal(host.sent('lan0').packets, 17)
    t.equal(await exporter.stop(), 0)
    send(host)
    t.equal(host.sent('lan0').packets, 17 + 17, 'it works on without us')
    t.match(host.run(['tc', 'filter', 'show', 'dev', 'lan0', 'egress']), 'foreign.o:[deny]')
  })
}

t.test('clsact: a filter before ours keeps its verdict', async (t) => {
  const host = silentPair(t, 'lan0')
  const exporter = await startExporter(t, host, '--interface=lan0', '--bpf.mode=clsact')
  host.run(['tc', 'qdisc', 'show', 'dev', 'lan0', 'clsact'])
  host.attachForeign(t, 'lan0', 'deny', 1, 1)
  send(host)
  t.equal(destination(exporter.samples(), denied, 'lan0').packets, undefined, 'dropped before us')
  t.equal(destination(exporter.samples(), allowed, 'lan0').packets, 17)
  t.same(total(exporter.samples(), 'lan0'), host.sent('lan0'))
  t.equal(await exporter.stop(), 0)
  t.match(host.run(['tc', 'filter', 'show', 'dev', 'lan0', 'egress']), 'foreign.o:[deny]')
})

if (loadAddon().tcxSupported()) {
  t.test('tcx: a program after ours keeps its verdict, and what it drops was counted', async (t) => {
    const host = silentPair(t, 'lan0')
    await host.attachForeignTcx(t, 'lan0', 'deny', 'head')
    const exporter = await startExporter(t, host, '--interface=lan0')
    t.notMatch(exporter.log().join('\n'), 'programs of others', 'it goes before them')
    send(host)
    t.equal(destination(exporter.samples(), denied, 'lan0').packets, 13)
    t.equal(destination(exporter.samples(), allowed, 'lan0').packets, 17)
    t.equal(host.sent('lan0').packets, 17)
    t.equal(await exporter.stop(), 0)
    send(host)
    t.equal(host.sent('lan0').packets, 17 + 17, 'it works on without us')
  })

  t.test('tcx: a program that comes before ours keeps its verdict, and the log warns of it', async (t) => {
    const host = silentPair(t, 'lan0')
    const exporter = await startExporter(t, host, '--interface=lan0')
    await host.attachForeignTcx(t, 'lan0', 'deny', 'head')
    await host.attachForeignTcx(t, 'lan0', 'drop', 'tail')
    send(host)
    t.equal(destination(exporter.samples(), denied, 'lan0').packets, undefined)
    t.equal(destination(exporter.samples(), allowed, 'lan0').packets, 17)
    t.equal(host.sent('lan0').packets, 0, 'the last one dropped the rest')
    const warnings = () => exporter.log().filter((line) => line.includes('programs of others run first'))
    await eventually(() => assert.match(warnings().join('\n'), placed))
    t.equal(warnings().length, 1, 'once, and of one program')
    t.equal(exporter.samples().get('egress_interface_programs_before{interface="lan0"}'), 1)
  })

  t.test('clsact: the log warns where a TCX chain of others would hide the filter', async (t) => {
    const host = silentPair(t, 'lan0')
    await host.attachForeignTcx(t, 'lan0', 'drop', 'head')
    const hidden = await startExporter(t, host, '--interface=lan0', '--bpf.mode=clsact')
    t.match(
      hidden.log().join('\n'),
      /level=warn msg="programs of others run first here and may hide packets: --bpf.mode=auto or tcx goes before clsact" .*interface=lan0 .*programs="tcx: program \d+"/,
    )
    send(host)
    t.same(total(hidden.samples(), 'lan0'), { packets: 0, bytes: 0 }, 'and so it is')
    await hidden.stop()
    const auto = await startExporter(t, host, '--interface=lan0')
    t.match(auto.log().join('\n'), 'mode=tcx')
    send(host)
    t.equal(total(auto.samples(), 'lan0').packets, 13 + 17)
  })
}
