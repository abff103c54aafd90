import t from 'tap'
import { ExitCode } from '../../src/errors.js'
import { findInterfaces, requireInterfaces } from '../../src/kernel/interfaces.js'

const plain = { altnames: [] as string[], up: true, kind: '', bus: '', master: 0, lower: 0 }
const links = [
  { ifindex: 1, name: 'lo', type: 772, ...plain },
  { ifindex: 2, name: 'eth0', type: 1, ...plain },
  { ifindex: 3, name: 'wg0', type: 65534, ...plain },
  { ifindex: 4, name: 'ib0', type: 32, ...plain },
]
const nowhere = { kind: '', bus: '', master: '', lower: '' }
const routes = (...routed: number[]) => ({ find: async () => new Set(routed) })

const choose = (...interfaces: string[]) => ({
  interfaces,
  interfacesExclude: [] as string[],
  interfaceMissing: 'refuse' as 'refuse' | 'wait',
})

t.test('the named ones', async (t) => {
  t.same(await requireInterfaces(links, routes(), choose('wg0', 'lo')), [
    { ifindex: 1, name: 'lo', linkType: 'loopback', ethernet: true, place: nowhere },
    { ifindex: 3, name: 'wg0', linkType: 'none', ethernet: false, place: nowhere },
  ])
})

t.test('globs, without those that are excluded or cannot be read', async (t) => {
  const names = (interfaces: string[], interfacesExclude: string[] = []) =>
    findInterfaces(links, routes(), { ...choose(...interfaces), interfacesExclude }).then((found) =>
      found.map(({ name }) => name),
    )
  t.same(await names(['*']), ['lo', 'eth0', 'wg0'])
  t.same(await names(['*'], ['lo', 'w?0']), ['eth0'])
  t.same(await names(['[ew]*0']), ['eth0', 'wg0'])
  t.same(await names(['{lo,eth*}']), ['lo', 'eth0'])
  t.same(await names(['eth']), [], 'a name is not a prefix')
  t.same(await names(['veth*']), [])
})

t.test('those of the default routes', async (t) => {
  const names = (interfacesExclude: string[]) =>
    requireInterfaces(links, routes(3, 2), { ...choose(), interfacesExclude }).then((found) =>
      found.map(({ name }) => name),
    )
  t.same(await names([]), ['eth0', 'wg0'])
  t.same(await names(['wg*']), ['eth0'])
})

t.test('errors name the thing, the reason and the remedy', async (t) => {
  await t.rejects(requireInterfaces(links, routes(), choose('eth7')), {
    message:
      "--interface: 'eth7' does not exist: this host has lo, eth0, wg0, ib0; --interface.missing=wait waits for it",
    exitCode: ExitCode.usage,
  })
  await t.rejects(requireInterfaces(links, routes(), choose()), {
    message:
      'no default route leads to an interface: name one with --interface (lo, eth0, wg0, ib0), or wait for one with --interface.missing=wait',
    exitCode: ExitCode.usage,
  })
  await t.rejects(requireInterfaces(links, routes(), choose('ib0')), {
    message: /'ib0' has link type 32/,
    exitCode: ExitCode.unsupported,
  })
  const many = Array.from({ length: 1000 }, (_, index) => ({
    ifindex: index + 1,
    name: `veth${index}`,
    type: 1,
    ...plain,
  }))
  await t.rejects(requireInterfaces(many, routes(), choose()), { message: /veth7, and 992 more\)/ })
  t.same(await requireInterfaces(links, routes(), choose('veth*')), [], 'a glob may match later')
})

t.test('how an interface lies among others, by their names', async (t) => {
  const stack = [
    { ifindex: 1, name: 'eth0', type: 1, ...plain, bus: 'pci', master: 2 },
    { ifindex: 2, name: 'bond0', type: 1, ...plain, kind: 'bond' },
    { ifindex: 3, name: 'bond0.7', type: 1, ...plain, kind: 'vlan', lower: 2 },
    { ifindex: 4, name: 'orphan', type: 1, ...plain, kind: 'vlan', lower: 99 },
  ]
  const places = (await findInterfaces(stack, routes(), choose('*'))).map(({ name, place }) => [name, place])
  t.strictSame(places, [
    ['eth0', { kind: '', bus: 'pci', master: 'bond0', lower: '' }],
    ['bond0', { ...nowhere, kind: 'bond' }],
    ['bond0.7', { kind: 'vlan', bus: '', master: '', lower: 'bond0' }],
    ['orphan', { ...nowhere, kind: 'vlan' }],
  ])
})
