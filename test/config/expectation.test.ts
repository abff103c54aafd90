import t from 'tap'
import { parseExpectation } from '../../src/config/expectation.js'

const contact = {
  interface: 'eth0',
  destination: '203.0.113.7',
  protocol: 6,
  port: 443,
  service: 'backup.service',
  network: 'aws s3',
  name: 'a.example.com',
}
const matches = (rule: string, changes: object = {}) =>
  parseExpectation(rule).matches({ ...contact, ...changes })

t.test('all conditions must hold', async (t) => {
  for (const rule of [
    'prefix=203.0.113.0/24',
    'prefix=203.0.113.7',
    'network="aws s3"',
    'network=aws*',
    'service={backup,cron}.service',
    'interface=eth*',
    'name=*.example.com',
    'protocol=tcp',
    'protocol=6',
    'port=443',
    ' prefix=203.0.113.0/24  network="aws *" service=backup.service\tinterface=eth0 protocol=TCP port=443 ',
  ])
    t.ok(matches(rule), rule)
  for (const [rule, changes] of [
    ['prefix=203.0.113.0/25', { destination: '203.0.113.128' }],
    ['prefix=203.0.113.0/24', { destination: '203.0.112.0/23' }],
    ['prefix=::/0', {}],
    ['network=aws', {}],
    ['network=*', { network: null }],
    ['service=*', { service: null }],
    ['name=*', { name: '' }],
    ['name=""', { name: null }],
    ['name=*.example.com', { name: 'example.com' }],
    ['name=?*', { name: '' }],
    ['name=?*', { name: null }],
    ['network="aws s3"', { network: null }],
    ['service=*.timer', {}],
    ['service=?*', { service: null }],
    ['interface=eth', {}],
    ['protocol=udp', {}],
    ['port=44', {}],
    ['port=443 protocol=udp', {}],
  ] as const)
    t.notOk(matches(rule, changes), rule)
  t.ok(matches('port=0', { port: 0 }))
  t.ok(matches('name=""', { name: '' }), 'a bare address')
  t.ok(matches('prefix=2001:db8::/32', { destination: '2001:db8:1::/48' }))
})

t.test('what is no rule is refused in words', async (t) => {
  for (const [rule, message] of [
    ['', /^the rule is empty/],
    ['  ', /^the rule is empty/],
    ['443', /^'443' is no condition: write KEY=VALUE; there are prefix, network, /],
    ['host=a', /^'host=a' is no condition/],
    ['toString=a', /is no condition/],
    ['port=', /^'port=' is no condition/],
    ['port=443 port=80', /^port stands twice/],
    ['port=65536', /^'65536' is no port/],
    ['port=4x', /^'4x' is no port/],
    ['protocol=tpc', /^there is no protocol 'tpc'/],
    ['prefix=203.0.113.1/24', /bits set after its prefix/],
    ['network="aws', /is no condition/],
    ['network="aws"s3', /is no condition/],
    ['service=[a', /is not closed/],
  ] as const)
    t.throws(() => parseExpectation(rule), { message }, rule)
})
