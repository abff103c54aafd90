import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { eventually } from '../../support/await.js'
import { closedSum, destination, startExporter, total, unlisted } from '../../support/exporter.js'
import { ethernetFrame, silentPair } from '../../support/network.js'
import { ipv4, ipv6 } from '../../support/packets.js'

const v4 = (to: string) => ethernetFrame('0800', ipv4({ to }))
const v6 = (to: string) => ethernetFrame('86dd', ipv6({ to }))
const repeat = (frame: string, count: number) => Array<string>(count).fill(frame)

t.test('the longest prefix decides, among thousands', async (t) => {
  const host = silentPair(t, 'lan0')
  // Every second /24 of 20.0.0.0/8 up to 20.19.255.0 is included, all else of IPv4 excluded.
  const included = Array.from({ length: 2500 }, (_, index) => `20.${index >> 7}.${(index & 127) * 2}.0/24`)
  const exporter = await startExporter(
    t,
    host,
    '--interface=lan0',
    '--destinations.exclude=0.0.0.0/0,20.0.0.0/25',
    `--destinations.include=${included.join(',')}`,
  )
  const listed = ['20.0.0.128', '20.0.2.1', '20.19.134.255', '20.9.254.9']
  const left = ['20.0.0.127', '20.0.1.1', '20.19.136.1', '20.19.135.1', '8.8.8.8', '10.0.0.1']
  host.traffic('frames lan0', [...listed, ...left].flatMap((to) => repeat(v4(to), 7)).join('\n'))
  host.traffic('frames lan0', repeat(v6('2001:db8:1::1'), 11).join('\n'))
  const samples = exporter.samples()
  for (const to of listed) t.equal(destination(samples, to, 'lan0').packets, 7, to)
  for (const to of left) t.same(destination(samples, to, 'lan0'), {}, to)
  t.equal(destination(samples, '2001:db8:1::1', 'lan0').packets, 11, 'IPv6 is another matter')
  t.equal(unlisted(samples, 'excluded', 'lan0').packets, left.length * 7)
})

t.test('destinations told apart by prefix', async (t) => {
  const host = silentPair(t, 'lan0')
  const exporter = await startExporter(
    t,
    host,
    '--interface=lan0',
    '--destinations.aggregate-ipv4=24',
    '--destinations.aggregate-ipv6=48',
  )
  const frames = [
    ...repeat(v4('203.0.113.1'), 7),
    ...repeat(v4('203.0.113.254'), 11),
    ...repeat(v4('203.0.112.1'), 13),
    ...repeat(v6('2001:db8:1::1'), 17),
    ...repeat(v6('2001:db8:1:ffff::1'), 19),
    ...repeat(v4('255.255.255.255'), 23),
  ]
  host.traffic('frames lan0', frames.join('\n'))
  const samples = exporter.samples()
  t.equal(destination(samples, '203.0.113.0/24', 'lan0').packets, 7 + 11)
  t.equal(destination(samples, '203.0.112.0/24', 'lan0').packets, 13)
  t.equal(destination(samples, '2001:db8:1::/48', 'lan0').packets, 17 + 19)
  t.equal(unlisted(samples, 'excluded', 'lan0').packets, 23, 'a group may have longer prefixes')
  t.same(closedSum(samples, 'lan0'), total(samples, 'lan0'))
})

t.test(
  'SIGHUP changes lists and the timeout without losing a count; a broken file changes nothing',
  async (t) => {
    const host = silentPair(t, 'lan0')
    host.ip('link add wan0 type veth peer name wan1')
    const file = join(t.testdir(), 'egress.yml')
    const write = (text: string) => writeFileSync(file, text)
    write('interface: lan0\ndestinations.exclude: 198.51.100.0/24\n')
    const exporter = await startExporter(t, host, `--config.file=${file}`)
    const send = () =>
      host.traffic(
        'frames lan0',
        [...repeat(v4('203.0.113.1'), 7), ...repeat(v4('198.51.100.9'), 11)].join('\n'),
      )
    const successful = () => exporter.samples().get('egress_config_last_reload_successful')
    const reload = async (word: string) => {
      const before = exporter.log().length
      exporter.child.kill('SIGHUP')
      await eventually(() => assert.match(exporter.log().slice(before).join('\n'), new RegExp(word)))
    }
    send()
    t.equal(destination(exporter.samples(), '203.0.113.1', 'lan0').packets, 7)
    t.equal(unlisted(exporter.samples(), 'excluded', 'lan0').packets, 11)

    write('interface: [lan0, wan0]\ndestinations.exclude: 203.0.113.0/24\ndestinations.limit: 5\n')
    await reload('these settings changed, and wait for a restart" settings=destinationsLimit')
    t.match(exporter.log().join('\n'), /msg="read the configuration again"/)
    let samples = exporter.samples()
    t.same(destination(samples, '203.0.113.1', 'lan0'), {}, 'what is excluded now is not shown any more')
    t.equal(unlisted(samples, 'excluded', 'lan0').packets, 7 + 11, 'and counts as excluded')
    send()
    samples = exporter.samples()
    t.equal(unlisted(samples, 'excluded', 'lan0').packets, 7 + 11 + 7)
    t.equal(
      destination(samples, '198.51.100.9', 'lan0').packets,
      11,
      'what is not excluded any more is listed',
    )
    await eventually(() =>
      assert.equal(exporter.samples().get('egress_interface_attached{interface="wan0"}'), 1),
    )
    t.equal(successful(), 1)

    write('interface: [lan0, wan0]\ndestinations.excluded: none\n')
    await reload(`cannot read the configuration again: the old settings stay`)
    t.match(exporter.log().at(-1), `${file}:2:1: there is no option 'destinations.excluded'`)
    t.equal(successful(), 0)
    send()
    t.equal(destination(exporter.samples(), '198.51.100.9', 'lan0').packets, 22)

    write('interface: [lan0]\ndestinations.idle-timeout: 1s\ndestinations.exclude: none\n')
    await reload('read the configuration again')
    t.equal(successful(), 1)
    await eventually(() => assert.equal(exporter.samples().get('egress_destinations{interface="lan0"}'), 0))
    await eventually(() =>
      assert.equal(exporter.samples().get('egress_interface_attached{interface="wan0"}'), undefined),
    )
    samples = exporter.samples()
    t.same(closedSum(samples, 'lan0'), host.sent('lan0'))
  },
)
