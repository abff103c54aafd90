import assert from 'node:assert/strict'
import t from 'tap'
import type { Link } from '../../../src/kernel/native/interfaces.js'
import { DefaultRoutes } from '../../../src/kernel/default-routes.js'
import { eventually } from '../../support/await.js'
import { type RunningExporter, startExporter } from '../../support/exporter.js'
import { Namespace, silence } from '../../support/network.js'

/** A host with three devices that have addresses, and no route but to these. */
function threeDevices(t: { teardown(action: () => unknown): void }): Namespace {
  const host = new Namespace(t, 'routes')
  for (const number of [0, 1, 2]) {
    host.ip(`link add lan${number} type veth peer name far${number}`)
    host.ip(`link set far${number} up`)
    host.ip(`link set lan${number} up`)
    host.ip(`addr add 198.51.10${number}.1/24 dev lan${number}`)
    host.ip(`addr add 2001:db8:${number}::1/64 dev lan${number} nodad`)
  }
  return host
}

const attached = (exporter: RunningExporter) =>
  [...exporter.samples()].flatMap(([series, value]) => {
    const [, name] = /^egress_interface_attached\{interface="(.*)"\}$/.exec(series) ?? []
    return name !== undefined && value === 1 ? [name] : []
  })
const until = (exporter: RunningExporter, ...names: string[]) =>
  eventually(() => assert.deepEqual(attached(exporter), names))

for (const [what, add, remove] of [
  [
    'def1 of a VPN',
    ['route add 0.0.0.0/1 dev lan1', 'route add 128.0.0.0/1 dev lan1'],
    'route delete 0.0.0.0/1',
  ],
  ['2000::/3', ['-6 route add 2000::/3 dev lan1'], '-6 route delete 2000::/3'],
  [
    'a table of its own, by a rule',
    ['route add default dev lan1 table 77', 'rule add fwmark 7 table 77'],
    'route flush table 77',
  ],
  [
    'several nexthops',
    ['route add default nexthop dev lan1 nexthop dev lan2'],
    'route delete default metric 0',
  ],
] as const) {
  t.test(`a default route is followed: ${what}`, async (t) => {
    const host = threeDevices(t)
    host.ip('route add default dev lan0 metric 500')
    const exporter = await startExporter(t, host)
    t.same(attached(exporter), ['lan0'])
    for (const command of add) host.ip(command)
    const several = what === 'several nexthops' ? ['lan2'] : []
    await until(exporter, 'lan0', 'lan1', ...several)
    for (const command of what.startsWith('def1') ? [remove, 'route delete 128.0.0.0/1'] : [remove])
      host.ip(command)
    await until(exporter, 'lan0')
  })
}

t.test('nexthop objects, also where a route names nothing else', async (t) => {
  const host = threeDevices(t)
  host.run(['sysctl', '-q', '-w', 'net.ipv4.nexthop_compat_mode=0'])
  host.ip('nexthop add id 11 via 198.51.100.2 dev lan0')
  host.ip('nexthop add id 12 via 198.51.101.2 dev lan1')
  host.ip('nexthop add id 13 via 2001:db8:2::2 dev lan2')
  host.ip('route add default nhid 11')
  const exporter = await startExporter(t, host)
  t.same(attached(exporter), ['lan0'])
  host.ip('nexthop add id 20 group 11/12')
  host.ip('route replace default nhid 20')
  await until(exporter, 'lan0', 'lan1')
  host.ip('-6 route add default nhid 13')
  await until(exporter, 'lan0', 'lan1', 'lan2')
  host.ip('nexthop replace id 20 group 12')
  await until(exporter, 'lan1', 'lan2')
})

t.test('a device that goes down takes its default route along, without a word', async (t) => {
  const host = threeDevices(t)
  host.ip('route add default dev lan0 metric 500')
  host.ip('route add default dev lan1')
  const exporter = await startExporter(t, host)
  t.same(attached(exporter), ['lan0', 'lan1'])
  host.ip('link set lan1 down')
  await until(exporter, 'lan0')
})

t.test('without any, it is refused or waits', async (t) => {
  const host = threeDevices(t)
  const exporter = await startExporter(t, host, '--interface.missing=wait')
  t.same(attached(exporter), [])
  host.ip('route add default dev lan2')
  await until(exporter, 'lan2')
})

t.test('a named interface that comes later', async (t) => {
  const host = new Namespace(t, 'later')
  const exporter = await startExporter(t, host, '--interface=lan0', '--interface.missing=wait')
  const value = () => exporter.samples().get('egress_interface_attached{interface="lan0"}')
  t.equal(value(), 0)
  t.match(exporter.log().join('\n'), /msg="this interface does not exist yet" interface=lan0/)
  host.ip('link add lan0 type veth peer name far')
  for (const end of ['lan0', 'far']) silence(host, end)
  await eventually(() => assert.equal(value(), 1))
  host.ip('link delete lan0')
  await eventually(() => assert.equal(value(), 0))
})

t.test('an alternative name is as good as the name', async (t) => {
  const host = new Namespace(t, 'altname')
  host.ip('link add lan0 type veth peer name far')
  for (const end of ['lan0', 'far']) silence(host, end)
  host.ip('link property add dev lan0 altname a-name-that-is-long')
  for (const name of ['a-name-that-is-long', 'a-name-*']) {
    const exporter = await startExporter(t, host, `--interface=${name}`)
    t.same(attached(exporter), ['lan0'])
    await exporter.stop()
  }
})

t.test('the kernel is asked only when routes may have changed', async (t) => {
  const link = (ifindex: number, up = true) => ({ ifindex, up }) as Link
  let asked = 0
  const routes = new DefaultRoutes({
    defaultRouteInterfaces: async () => {
      asked++
      return [2]
    },
  })
  const links = [link(1), link(2)]
  for (let look = 0; look < 5; look++) t.same([...(await routes.find(links))], [2])
  t.equal(asked, 1)
  await routes.find([link(1, false), link(2), link(3)])
  t.equal(asked, 1, 'others do not matter')
  await routes.find([link(1), link(2, false)])
  await routes.find([link(1), link(2, false)])
  t.equal(asked, 2, 'once when its interface goes down')
  const under = routes.find([link(2)])
  routes.changed()
  await under
  await routes.find([link(2)])
  t.equal(asked, 4, 'a change while it is asked counts')
})
