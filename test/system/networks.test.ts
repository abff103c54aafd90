import assert from 'node:assert/strict'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { eventually } from '../support/await.js'
import { program, startExporter } from '../support/exporter.js'
import { auditLines, temporaryFolder } from '../support/memory.js'
import { mmdb } from '../support/mmdb.js'
import { silentPair } from '../support/network.js'
import { framesTo } from '../support/packets.js'
import { remembers } from '../support/remembering.js'

t.test('what a destination belongs to, wherever users look, and after a file has changed', async (t) => {
  const host = silentPair(t, 'lan0')
  const folder = temporaryFolder(t)
  const file = (name: string) => join(folder, name)
  // As docs/networks.md wants it: none is read half written.
  const write = (name: string, content: string | Buffer) => {
    writeFileSync(file(`${name}.new`), content)
    renameSync(file(`${name}.new`), file(name))
  }
  write('own.yml', 'partner: [203.0.113.0/28]')
  write('asn.mmdb', mmdb(6, [['203.0.113.0/24', { asn: 'AS64500', as_name: 'Example', country_code: 'NL' }]]))
  const exporter = await startExporter(
    t,
    host,
    ...['--interface=lan0', `--audit.file=${file('audit.log')}`, '--poll.interval=1s'],
    ...['own.yml', 'asn.mmdb'].map((name) => `--networks.file=${file(name)}`),
  )
  host.traffic(
    'frames lan0',
    [framesTo('203.0.113.1', 13), framesTo('203.0.113.77', 17), framesTo('198.51.100.1', 19)].join('\n'),
  )
  const list = new URL('/api/v1/destinations?sort=packets', exporter.url).href
  const networks = () => {
    const { destinations } = JSON.parse(exporter.get(list)) as { destinations: Record<string, unknown>[] }
    return destinations.map(({ network, asn, as_name, country }) => [network, asn, as_name, country])
  }
  await exporter.settled('lan0', ['packets'])
  await eventually(() =>
    assert.deepEqual(networks(), [
      ['partner', 64500, 'Example', 'NL'],
      ['AS64500', 64500, 'Example', 'NL'],
      [null, null, null, null],
    ]),
  )
  const info = () =>
    [...exporter.samples().keys()]
      .filter((series) => series.startsWith('egress_destination_info'))
      .map((series) => /network="(.*?)"/.exec(series)?.[1])
      .sort()
  t.same(info(), ['AS64500', 'partner', undefined])
  await eventually(() => assert.equal(auditLines(file('audit.log')).length, 3))
  t.match(
    auditLines(file('audit.log')).find(({ destination }) => destination === '203.0.113.1'),
    { network: 'partner', asn: 64500, as_name: 'Example', country: 'NL' },
  )
  t.match(exporter.get(new URL('/', exporter.url).href), 'AS64500 Example NL')

  // What is remembered was looked up by now: an address of a known network is no news of a network.
  host.traffic('frames lan0', [framesTo('203.0.113.78', 5), framesTo('198.51.100.2', 3)].join('\n'))
  const novelties = () =>
    [...exporter.samples().keys()].flatMap((series) => {
      const [, destination, novelty] = /destination="(.*?)".*,novelty="(.*?)"/.exec(series) ?? []
      return novelty === undefined ? [] : [`${destination} ${novelty}`]
    })
  await eventually(() =>
    assert.deepEqual(
      novelties().filter((one) => !/\.1 |\.77 /.test(one)),
      ['203.0.113.78 address', '198.51.100.2 network'],
    ),
  )

  write('own.yml', 'partner: [203.0.113.0/28')
  await eventually(() => assert.equal(exporter.samples().get('egress_networks_files_failed'), 1))
  t.equal(networks()[2]?.[0], 'partner', 'what it said before goes on')
  write('own.yml', 'customer: [203.0.113.0/25, 198.51.100.0/30]')
  await eventually(() => assert.deepEqual(info(), Array(5).fill('customer')))
  t.equal(exporter.samples().get('egress_networks_files_failed'), 0)
})

t.test('a file that cannot be read is an error in the log, and nothing else', async (t) => {
  const host = silentPair(t, 'lan0')
  const exporter = await startExporter(t, host, '--interface=lan0', '--networks.file=/nowhere/own.yml')
  host.traffic('frames lan0', framesTo('203.0.113.1', 7))
  await exporter.settled('lan0', ['packets'])
  t.match(
    exporter.log().join('\n'),
    /level=error msg="cannot read a file of networks.*" file=\/nowhere\/own\.yml/,
  )
})

t.test('what is expected raises nothing: by the configuration, and by who says so', async (t) => {
  const host = silentPair(t, 'lan0')
  const folder = temporaryFolder(t)
  const file = join(folder, 'own.yml')
  writeFileSync(file, 'partner: [203.0.113.0/28]\ncdn: [198.51.100.0/24]')
  const exporter = await startExporter(
    t,
    host,
    ...['--interface=lan0', `--storage.path=${folder}`, '--poll.interval=1s', `--networks.file=${file}`],
    '--expect=network=partner protocol=udp',
  )
  await eventually(() => assert.ok(remembers(exporter.samples()).baselineEnd > 0))
  host.traffic('frames lan0', [framesTo('203.0.113.1', 13), framesTo('198.51.100.1', 17)].join('\n'))
  await exporter.settled('lan0', ['packets'])
  const announced = () =>
    [...exporter.samples().keys()].flatMap(
      (series) => /^egress_destination_info\{.*destination="(.*?)"/.exec(series)?.[1] ?? [],
    )
  await eventually(() => assert.deepEqual(announced(), ['198.51.100.1']))
  const destinations = (...words: string[]) =>
    host.run([...program, 'destinations', ...words, `--storage.path=${folder}`])
  t.equal(destinations('expect', 'network=cdn'), 'expected: network=cdn\n')
  await eventually(() => assert.deepEqual(announced(), []))
  host.traffic('frames lan0', framesTo('198.51.100.2', 19))
  await exporter.settled('lan0', ['packets'])
  t.same(announced(), [])
  const listed = JSON.parse(destinations('--status=expected', '--json')) as Record<string, unknown>[]
  t.same(listed.map(({ destination, note }) => [destination, note]).sort(), [
    ['198.51.100.1', 'network=cdn'],
    ['198.51.100.2', 'network=cdn'],
    ['203.0.113.1', 'network=partner protocol=udp'],
  ])
  t.equal(destinations('expected'), 'expect:\n- "network=cdn"\n')
})
