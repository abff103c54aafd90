import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { monitorPath } from '../../../src/names/resolved-monitor.js'
import { eventually } from '../../support/await.js'
import { exporterCommand, startExporter } from '../../support/exporter.js'
import { silentPair } from '../../support/network.js'
import { framesTo } from '../../support/packets.js'
import { namesOf } from '../../support/resolver.js'
import { fakeResolved, resolvedReply } from '../../support/resolved.js'

const up = (samples: Map<string, number>) => samples.get('egress_names_source_up{source="resolved"}')

t.test('what systemd-resolved answers, and its end', async (t) => {
  const resolved = await fakeResolved(t, monitorPath)
  const host = silentPair(t, 'lan0')
  const exporter = await startExporter(t, host, '--interface=lan0', '--names=resolved')
  t.equal(up(exporter.samples()), 1)
  resolved.say(
    resolvedReply('www.example.test', [
      { type: 'A', name: 'edge.test', data: '203.0.113.7' },
      { type: 'CNAME', name: 'www.example.test', data: 'edge.test' },
    ]),
    { parameters: {} },
  )
  await eventually(() =>
    assert.equal(exporter.samples().get('egress_names_answers_total{source="resolved"}'), 1),
  )
  host.traffic('frames lan0', [framesTo('203.0.113.7', 13), framesTo('203.0.113.9', 17)].join('\n'))
  await exporter.settled('lan0', ['packets'])
  const expected = { '203.0.113.7': 'www.example.test', '203.0.113.9': '' }
  await eventually(() => assert.deepEqual(namesOf(exporter), expected))
  t.equal(exporter.samples().get('egress_names_dropped_total{reason="malformed"}'), 1)

  resolved.stop()
  await eventually(() => assert.equal(up(exporter.samples()), 0))
  t.match(exporter.log().join('\n'), /level=warn msg="systemd-resolved has gone, .* start the exporter again/)
  // Nothing is heard, so nothing is known to be a bare address.
  host.traffic('frames lan0', framesTo('203.0.113.11', 19))
  await exporter.settled('lan0', ['packets'])
  await eventually(() => assert.deepEqual(namesOf(exporter), { ...expected, '203.0.113.11': null }))
})

t.test('with --names=auto it is heard beside the wire', async (t) => {
  await fakeResolved(t, monitorPath)
  const host = silentPair(t, 'lan0')
  const exporter = await startExporter(t, host, '--interface=lan0')
  t.equal(up(exporter.samples()), 1)
  t.match(exporter.log().join('\n'), 'sources="dns,resolved"')
})

t.test('what was named and cannot be had is refused, and what was not is done without', async (t) => {
  const host = silentPair(t, 'lan0')
  const without = ['setpriv', '--bounding-set=-net_raw']
  const run = (prefix: string[], ...flags: string[]) => {
    const [file, args] = host.command(...prefix, ...exporterCommand('--interface=lan0', ...flags))
    return spawnSync(file, args, { encoding: 'utf8', timeout: 60_000 })
  }
  const resolved = run([], '--names=resolved')
  t.equal(resolved.status, 77)
  t.match(resolved.stderr, /--names=resolved: cannot hear what systemd-resolved answers \(.*\): .*ENOENT/)
  const dns = run(without, '--names=dns')
  t.equal(dns.status, 77)
  t.match(dns.stderr, /cannot listen to DNS: CAP_NET_RAW missing; run it as root/)
})
