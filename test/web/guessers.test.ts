import t from 'tap'
import { Guessers } from '../../src/web/guessers.js'

t.test('clients are told apart by address, of IPv6 by /64', async (t) => {
  const guessers = new Guessers()
  const same = (one: string | undefined, other: string | undefined) => guessers.of(one) === guessers.of(other)
  t.ok(same('192.0.2.1', '192.0.2.1'))
  t.ok(same('192.0.2.1', '::ffff:192.0.2.1'))
  t.ok(same('2001:db8::1', '2001:db8:0:0:ffff::7'))
  t.ok(same('fe80::1%eth0', 'fe80::2%eth0'))
  t.ok(same(undefined, undefined))
  t.notOk(same('192.0.2.1', '192.0.2.2'))
  t.notOk(same('::ffff:192.0.2.1', '::ffff:192.0.2.2'))
  t.notOk(same('2001:db8::1', '2001:db8:0:1::1'))
  t.notOk(same('::1', '0.0.0.0'))
  t.notOk(same(undefined, '::'))
})

t.test('a thousand are remembered, those that tried last', async (t) => {
  const guessers = new Guessers()
  const addresses = Array.from({ length: 1_000 }, (_, number) => `10.0.${number >> 8}.${number & 255}`)
  const all = addresses.map((address) => guessers.of(address))
  t.equal(guessers.of('10.0.0.0'), all[0])
  guessers.of('192.0.2.1')
  t.equal(guessers.of('10.0.0.0'), all[0])
  t.not(guessers.of('10.0.0.1'), all[1], 'the one that tried longest ago')
})
