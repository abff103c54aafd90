import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import t from 'tap'
import type { DestinationsList } from '../../../src/destinations/list.js'
import { fakeApp, fine } from '../../support/app.js'
import {
  destination,
  program,
  type RunningExporter,
  startExporter,
  total,
  unlisted,
} from '../../support/exporter.js'
import { eventually } from '../../support/await.js'
import { configFile } from '../../support/config-file.js'
import { temporaryFolder } from '../../support/memory.js'
import { addresses, createNetwork, silentPair } from '../../support/network.js'
import { framesTo } from '../../support/packets.js'

const schema = JSON.parse(readFileSync('docs/api.schema.json', 'utf8')) as object
// Its dates are checked by reading them.
const ajv = new Ajv2020({ allowUnionTypes: true, formats: { 'date-time': true } })
const validate = ajv.compile<DestinationsList>(schema)

const ask = (exporter: RunningExporter, query = ''): DestinationsList => {
  const answer: unknown = JSON.parse(
    exporter.get(`${new URL(exporter.url).origin}/api/v1/destinations?${query}`),
  )
  if (!validate(answer)) throw new Error(JSON.stringify(validate.errors))
  return answer
}

t.test('the same numbers as the metrics, and what the memory says of each', async (t) => {
  const network = createNetwork(t)
  const { host } = network
  const exporter = await startExporter(t, host, '--interface=veth0')
  network.up()
  host.traffic(`udp ${addresses.peer.v4} 443 23 100`)
  host.traffic(`udp ${addresses.peer.v6} 53 29 100`)
  host.traffic(`udp 10.0.0.1 53 31 100`)
  // The host's own packets, such as router solicitations, may come in between.
  const before = Date.now()
  const { samples, list } = await eventually(async () => {
    const samples = await exporter.settled()
    const list = ask(exporter, 'sort=-packets')
    assert.equal(list.interfaces[0]?.packets, total(samples).packets)
    return { samples, list }
  })
  const { destinations, interfaces, ...rest } = list
  t.match(rest, { total: 2, matched: 2, offset: 0, unacknowledged: 2 })
  t.ok(Date.parse(rest.time) >= before && Date.parse(rest.time) <= Date.now())
  t.same(
    destinations.map((row) => [row.destination, { packets: row.packets, bytes: row.bytes }]),
    [addresses.peer.v6, addresses.peer.v4].map((address) => [address, destination(samples, address)]),
  )
  t.match(destinations, [
    { protocol: 'udp', port: 53, status: 'new', note: null, interface: 'veth0' },
    { protocol: 'udp', port: 443, status: 'new' },
  ])
  for (const { destination: address, first_seen: firstSeen } of destinations) {
    const series = `egress_destination_first_seen_timestamp_seconds{interface="veth0",destination="${address}"}`
    t.equal(Date.parse(firstSeen), Math.round((samples.get(series) ?? 0) * 1000))
  }
  const [first, ...others] = interfaces
  t.same(others, [])
  t.same({ packets: first?.packets, bytes: first?.bytes }, total(samples))
  t.same(first?.unlisted['excluded'], unlisted(samples, 'excluded'))
  t.ok((first?.unlisted['excluded']?.packets ?? 0) >= 31)
  t.same(Object.keys(first?.unlisted ?? {}).sort(), [
    'excluded',
    'expired',
    'malformed',
    'not_ip',
    'overflow',
    'reply',
  ])
})

t.test('sorted, filtered and paged as asked', async (t) => {
  const host = silentPair(t, 'veth0')
  const exporter = await startExporter(t, host, '--interface=veth0', '--baseline.period=1h')
  const count = 1009
  host.traffic(`spray-frames veth0 ${count}`)
  await exporter.settled()
  const names = Array.from({ length: count }, (_, index) => `1.0.${index >> 8}.${index & 255}`)
  const list = (query: string) => ask(exporter, query).destinations.map(({ destination: name }) => name)
  t.same(list('sort=destination&limit=1000'), names.slice(0, 1000))
  t.same(list('sort=destination&limit=1000&offset=1000'), names.slice(1000))
  t.same(list('sort=-destination&limit=3'), names.slice(-3).reverse())
  t.same(list('sort=first_seen&limit=2'), names.slice(0, 2))
  t.same(list('sort=destination&offset=2000'), [])
  t.same(list('limit=0'), [])
  t.equal(list('').length, 50)
  t.match(ask(exporter, 'search=1.0.3.'), { total: count, matched: 241 })
  t.match(ask(exporter, 'search=1.0.2.0/25'), { total: count, matched: 128 })
  t.match(ask(exporter, 'search=2001:DB8::'), { matched: 0 })
  t.match(ask(exporter, 'search=::ffff:1.0.2.0/121'), { matched: 128 }, 'IPv4-mapped')
  t.match(ask(exporter, 'search=::ffff:1.0.3.7'), { matched: 11 })
  t.match(ask(exporter, 'interface=veth0'), { matched: count })
  t.match(ask(exporter, 'interface=veth1'), { matched: 0 })
  t.match(ask(exporter, 'protocol=udp&port=53'), { matched: count })
  t.match(ask(exporter, 'protocol=17'), { matched: count })
  t.match(ask(exporter, 'protocol=tcp'), { matched: 0 })
  t.match(ask(exporter, 'port=54'), { matched: 0 })
  t.match(ask(exporter, 'status=new'), { matched: 0 })
  t.match(ask(exporter, 'limit=1'), { destinations: [{ status: 'baseline' }], unacknowledged: 0 })
})

t.test('what is new, and no more when it is acknowledged', async (t) => {
  const host = silentPair(t, 'veth0')
  const storage = temporaryFolder(t)
  const exporter = await startExporter(
    t,
    host,
    '--interface=veth0',
    `--storage.path=${storage}`,
    '--poll.interval=1s',
  )
  host.traffic('spray-frames veth0 3')
  await exporter.settled()
  const fresh = () =>
    ask(exporter, 'status=new&sort=destination').destinations.map(({ destination: name }) => name)
  t.same(fresh(), ['1.0.0.0', '1.0.0.1', '1.0.0.2'])
  host.run([...program, 'destinations', 'ack', '1.0.0.1', '--note=known', `--storage.path=${storage}`])
  await eventually(() => assert.deepEqual(fresh(), ['1.0.0.0', '1.0.0.2']))
  t.match(ask(exporter, 'search=1.0.0.1'), {
    destinations: [{ status: 'acknowledged', note: 'known' }],
    unacknowledged: 2,
  })
})

t.test('a wrong query is told why', async (t) => {
  const { app } = fakeApp(t, fine)
  const cases: [query: string, error: string][] = [
    ['limit=x', 'limit must be integer'],
    ['limit=1001', 'limit must be <= 1000'],
    ['offset=-1', 'offset must be >= 0'],
    ['port=65536', 'port must be <= 65535'],
    ['protocol=nonsense', "there is no protocol 'nonsense': write tcp, udp, … or a number"],
    ['protocol=256', "there is no protocol '256': write tcp, udp, … or a number"],
    ['search=1.2.3.4/33', "'1.2.3.4/33' is not a CIDR prefix: its length must be a number from 0 to 32"],
    [`search=${'a'.repeat(101)}`, 'search must NOT have more than 100 characters'],
    ['status=old', 'status must be equal to one of the allowed values: new'],
  ]
  for (const [query, error] of cases) {
    const answer = await app.inject(`/api/v1/destinations?${query}`)
    t.match(answer, { statusCode: 400, headers: { 'content-type': /^application\/json/ } })
    t.same(answer.json(), { error }, query)
  }
  const unknown = await app.inject('/api/v1/destinations?stauts=new')
  t.match(unknown.json().error, /^there is no parameter 'stauts': there are sort, search, /)
  const twice = await app.inject('/api/v1/destinations?sort=port&sort=bytes')
  t.equal(twice.statusCode, 400)
})

t.test('a kernel that cannot be read tells nothing of itself', async (t) => {
  const { app, errors } = fakeApp(t, fine, async () => {
    throw new Error('secret: /proc/kcore')
  })
  for (const url of ['/api/v1/destinations', '/']) {
    t.match(await app.inject(url), { statusCode: 500, body: 'internal error\n' }, url)
  }
  t.equal(errors.length, 2)
})

t.test('what fell silent is news until somebody acknowledges it', async (t) => {
  const host = silentPair(t, 'veth0')
  const config = configFile(t, 'destinations.idle-timeout: 1h')
  const exporter = await startExporter(t, host, '--interface=veth0', config.flag, '--poll.interval=1s')
  host.traffic('spray-frames veth0 3')
  await exporter.settled()
  await config.change(exporter, 'destinations.idle-timeout: 1s')
  const table = () => ask(exporter).total
  await eventually(() => assert.equal(table(), 0))
  await config.change(exporter, 'destinations.idle-timeout: 1h')
  host.traffic('frames veth0', framesTo('1.0.0.1', 7))
  const { total: tracked, matched, destinations } = ask(exporter, 'status=new&sort=-packets')
  t.same([tracked, matched], [1, 3], 'one is active again')
  t.match(destinations, [
    { destination: '1.0.0.1', packets: 7, status: 'new' },
    { destination: '1.0.0.2', packets: 1, packets_per_second: 0, protocol: 'udp', port: 53, status: 'new' },
    { destination: '1.0.0.0', packets: 1, bytes_per_second: 0, status: 'new' },
  ])
  t.match(ask(exporter, 'status=new&search=1.0.0.2/31&sort=destination'), { matched: 1 })
})
