import t from 'tap'
import { AllowedHosts } from '../../src/web/allowed-hosts.js'

const named = (...patterns: string[]) =>
  new AllowedHosts(patterns, () => new Set(['web1', 'web1.example.org']))

t.test('addresses, localhost and the names of the host', async (t) => {
  const hosts = named()
  for (const host of [
    ...['192.0.2.1', '192.0.2.1:10191', '127.0.0.1:80', '[::1]', '[2001:db8::1]:10191', '[::ffff:192.0.2.1]'],
    ...['localhost', 'localhost:10191', 'LocalHost', 'localhost.', 'localhost.:80'],
    ...['web1', 'web1:10191', 'Web1.Example.org:10191', 'web1.example.org.'],
  ]) {
    t.ok(hosts.has(host), host)
  }
  for (const host of [
    ...['evil.example', 'evil.example:10191', 'web1.evil.example', 'web10', 'example.org', 'www.example.org'],
    ...[
      'localhost.evil.example',
      '192.0.2.1.evil.example',
      'evil.localhost',
      'localhost..',
      'user@localhost',
    ],
    ...['', ':10191', '.', '[evil.example]', '[192.0.2.1', '2001:db8::1', 'localhost,evil.example'],
    ...['localhost:evil', 'http://localhost', 'localhost/', ' localhost', '*'],
  ]) {
    t.notOk(hosts.has(host), host)
  }
})

t.test('names that a user adds', async (t) => {
  const hosts = named('monitor.example', '*.example.net')
  for (const host of ['monitor.example:443', 'a.example.net', 'a.b.Example.net:1', 'web1', '192.0.2.1'])
    t.ok(hosts.has(host), host)
  for (const host of ['a.monitor.example', 'example.net', 'badexample.net']) t.notOk(hosts.has(host), host)
  t.ok(named('*').has('anything.example'))
})

t.test('a name that the host gets later', async (t) => {
  let names = ['localhost.localdomain']
  let now = 0
  let lookUps = 0
  const lookUp = () => {
    lookUps++
    return new Set(names)
  }
  const hosts = new AllowedHosts([], lookUp, () => now)
  names = ['web1']
  t.notOk(hosts.has('web1'), 'soon after another look')
  now = 10_000
  t.ok(hosts.has('web1'))
  t.notOk(hosts.has('localhost.localdomain'))
  t.equal(lookUps, 2)
})
