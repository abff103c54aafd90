import assert from 'node:assert/strict'
import { join } from 'node:path'
import t from 'tap'
import { eventually } from '../../support/await.js'
import { startExporter } from '../../support/exporter.js'
import { auditLines, temporaryFolder } from '../../support/memory.js'
import { addresses, createNetwork, mac, silentPair } from '../../support/network.js'
import { framesTo } from '../../support/packets.js'
import { dig, namesOf, startResolver } from '../../support/resolver.js'
import { send } from '../../support/router.js'

const resolver = addresses.peer.v4

const source = (samples: Map<string, number>, name: string) =>
  samples.get(`egress_names_source_up{source="${name}"}`)
const answers = (samples: Map<string, number>) => samples.get('egress_names_answers_total{source="dns"}')

t.test('the name that led to a destination, wherever users look', async (t) => {
  const { host, peer, up } = createNetwork(t)
  const auditFile = join(temporaryFolder(t), 'audit.log')
  const exporter = await startExporter(t, host, '--interface=veth0', `--audit.file=${auditFile}`)
  up()
  await startResolver(
    t,
    peer,
    resolver,
    '--host-record=edge.test,203.0.113.7,2001:db8:ffff::7',
    '--host-record=late.test,203.0.113.11',
    '--cname=www.example.test,cdn.example.net,edge.test',
  )
  t.same(dig(host, resolver, 'WWW.Example.test', 'A').at(-1), '203.0.113.7')
  t.same(dig(host, resolver, '+tcp', 'www.example.test', 'AAAA').at(-1), '2001:db8:ffff::7')
  host.run(send('203.0.113.7', 13))
  host.run(send('203.0.113.9', 17))
  host.run(send('203.0.113.11', 19))
  t.same(dig(host, resolver, 'late.test', 'A'), ['203.0.113.11'])
  host.run([
    'python3',
    '-c',
    `import socket
socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b"seven!!", ("2001:db8:ffff::7", 4433))`,
  ])
  const expected = {
    '203.0.113.7': 'www.example.test',
    // Nobody asked; or somebody did, and later.
    '203.0.113.9': '',
    '203.0.113.11': '',
    '2001:db8:ffff::7': 'www.example.test',
    [resolver]: '',
  }
  await eventually(() => assert.deepEqual(namesOf(exporter), expected))
  const samples = await exporter.settled('veth0')
  t.equal(source(samples, 'dns'), 1)
  t.equal(answers(samples), 3)
  const info = [...samples.keys()].find(
    (series) => series.startsWith('egress_destination_info') && series.includes('203.0.113.7"'),
  )
  t.match(info, ',name="www.example.test",')
  const page = exporter.get(new URL('/', exporter.url).href)
  t.match(page, '<span title="www.example.test">www.example.test</span>')
  t.match(page, 'asked for as www.example.test')
  t.match(page, 'a bare address')
  await eventually(() => assert.equal(auditLines(auditFile).length, 5))
  const audited = Object.fromEntries(
    auditLines(auditFile).map(({ destination, name }) => [destination, name]),
  )
  t.same(audited, expected)
})

t.test('a resolver on the host itself is heard by its loopback interface', async (t) => {
  const host = silentPair(t, 'lan0')
  const exporter = await startExporter(t, host, '--interface=lan0')
  await startResolver(t, host, '127.0.0.1', '--host-record=local.test,203.0.113.7')
  t.same(dig(host, '127.0.0.1', 'local.test'), ['203.0.113.7'])
  host.traffic('frames lan0', framesTo('203.0.113.7', 13))
  await exporter.settled('lan0', ['packets'])
  await eventually(() => assert.deepEqual(namesOf(exporter), { '203.0.113.7': 'local.test' }))
  t.equal(answers(exporter.samples()), 1)
})

t.test('an interface that comes later is heard, and one that is not chosen is not', async (t) => {
  const { host, peer, up } = createNetwork(t)
  const exporter = await startExporter(t, host, '--interface=lan*')
  up()
  await startResolver(t, peer, resolver, '--host-record=www.test,203.0.113.7')
  t.same(dig(host, resolver, 'www.test'), ['203.0.113.7'])
  t.equal(answers(exporter.samples()), 0)
  host.ip('link set veth0 down')
  host.ip('link set veth0 name lan0')
  host.ip('link set lan0 up')
  host.ip(`neigh replace ${resolver} lladdr ${mac.peer} dev lan0 nud permanent`)
  await eventually(() =>
    assert.equal(exporter.samples().get('egress_interface_attached{interface="lan0"}'), 1),
  )
  t.same(dig(host, resolver, 'www.test'), ['203.0.113.7'])
  t.equal(answers(exporter.samples()), 1)
})

t.test('--names=none looks for none', async (t) => {
  const host = silentPair(t, 'lan0')
  const exporter = await startExporter(t, host, '--interface=lan0', '--names=none')
  host.traffic('frames lan0', framesTo('203.0.113.7', 13))
  const samples = await exporter.settled('lan0', ['packets'])
  await eventually(() => assert.deepEqual(namesOf(exporter), { '203.0.113.7': null }))
  t.notOk([...samples.keys()].some((series) => series.startsWith('egress_names_')))
})
