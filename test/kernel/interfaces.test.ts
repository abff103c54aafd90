import t from 'tap'
import { ExitCode } from '../../src/errors.js'
import { chooseInterfaces } from '../../src/kernel/interfaces.js'

const links = [
  { ifindex: 1, name: 'lo', type: 772 },
  { ifindex: 2, name: 'eth0', type: 1 },
  { ifindex: 3, name: 'wg0', type: 65534 },
  { ifindex: 4, name: 'ib0', type: 32 },
]
const kernel = (routed: number[], found = links) => ({
  links: () => found,
  defaultRouteInterfaces: () => routed,
})

t.test('the named ones, in their order', async (t) => {
  t.same(chooseInterfaces(kernel([]), ['wg0', 'lo']), [
    { ifindex: 3, name: 'wg0', linkType: 'none', ethernet: false },
    { ifindex: 1, name: 'lo', linkType: 'loopback', ethernet: true },
  ])
})

t.test('those of the default routes', async (t) => {
  t.same(
    chooseInterfaces(kernel([3, 2]), []).map(({ name }) => name),
    ['eth0', 'wg0'],
  )
})

t.test('errors name the thing, the reason and the remedy', async (t) => {
  t.throws(() => chooseInterfaces(kernel([]), ['eth7']), {
    message: "--interface: 'eth7' does not exist: this host has lo, eth0, wg0, ib0",
    exitCode: ExitCode.usage,
  })
  t.throws(() => chooseInterfaces(kernel([]), []), {
    message: 'no default route leads to an interface: name one with --interface (lo, eth0, wg0, ib0)',
    exitCode: ExitCode.usage,
  })
  t.throws(() => chooseInterfaces(kernel([]), ['ib0']), {
    message: /'ib0' has link type 32/,
    exitCode: ExitCode.unsupported,
  })
  const many = Array.from({ length: 1000 }, (_, index) => ({
    ifindex: index + 1,
    name: `veth${index}`,
    type: 1,
  }))
  t.throws(() => chooseInterfaces(kernel([], many), []), { message: /veth7, and 992 more\)$/ })
})
