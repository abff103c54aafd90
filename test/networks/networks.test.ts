import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { checkNetworkFiles, Networks } from '../../src/networks/networks.js'
import { temporaryFolder } from '../support/memory.js'
import { mmdb } from '../support/mmdb.js'

type Tap = Parameters<typeof temporaryFolder>[0]

/** Networks of these files, by name, and what they log. */
function open(t: Tap, files: Readonly<Record<string, string | Buffer>>) {
  const folder = temporaryFolder(t)
  const write = (name: string, content: string | Buffer) => writeFileSync(join(folder, name), content)
  for (const [name, content] of Object.entries(files)) write(name, content)
  const lines: unknown[] = []
  const log = (fields: unknown, words?: string) => void lines.push({ ...(fields as object), words })
  const paths = Object.keys(files).map((name) => join(folder, name))
  return { networks: new Networks(paths, { info: log, error: log }), lines, write, folder, paths }
}

const unknown = { network: null, asn: null, asName: null, country: null }
const named = (network: string) => ({ ...unknown, network })

t.test('names of our own: the longest prefix wins', (t) => {
  const { networks } = open(t, {
    'own.yml': 'office: [192.0.2.0/24, 2001:db8::/32]\nprinter: 192.0.2.77\nall: [0.0.0.0/0]\n',
  })
  t.same(networks.find('192.0.2.1'), named('office'))
  t.same(networks.find('192.0.2.77'), named('printer'))
  t.same(networks.find('198.51.100.1'), named('all'))
  t.same(networks.find('2001:db8:1::1'), named('office'))
  t.same(networks.find('2001:db9::1'), unknown)
  t.same(networks.find('192.0.2.64/26'), named('office'), 'all of a prefix has to lie in it')
  t.same(networks.find('192.0.0.0/16'), named('all'))
  t.end()
})

t.test('autonomous systems and countries, as MaxMind and IPinfo have them', (t) => {
  const { networks } = open(t, {
    'asn.mmdb': mmdb(6, [
      [
        '203.0.113.0/24',
        { autonomous_system_number: 64500, autonomous_system_organization: 'Ex\u0007ample' },
      ],
      ['2001:db8::/32', { autonomous_system_number: 64501, autonomous_system_organization: 'Six' }],
    ]),
    'country.mmdb': mmdb(6, [['203.0.113.0/25', { country: { iso_code: 'NL' } }]]),
    'lite.mmdb': mmdb(4, [
      ['198.51.100.0/24', { asn: 'AS64502', as_name: 'Lite', country: 'Norway', country_code: 'NO' }],
      ['32.0.0.0/8', { asn: 'AS64503', as_name: 'Not of 2001:db8::/32, whose first bits these are' }],
    ]),
  })
  t.same(networks.find('203.0.113.1'), { network: 'AS64500', asn: 64500, asName: 'Ex ample', country: 'NL' })
  t.match(networks.find('203.0.113.200'), { asn: 64500, country: null })
  t.same(networks.find('198.51.100.9'), { network: 'AS64502', asn: 64502, asName: 'Lite', country: 'NO' })
  t.same(networks.find('2001:db8::1'), { network: 'AS64501', asn: 64501, asName: 'Six', country: null })
  t.same(networks.find('2002::1'), unknown, 'a file for IPv4 alone says nothing of IPv6')
  t.end()
})

t.test('own names come before those of providers, and these before autonomous systems', (t) => {
  const { networks } = open(t, {
    'asn.mmdb': mmdb(4, [['203.0.113.0/28', { asn: 'AS64500' }]]),
    'spamhaus.txt': '# a list\n203.0.113.0/26 ; SBL1\n\n198.51.100.7\n',
    'own.yaml': 'ours: [203.0.113.0/30]',
    'feed.csv': '203.0.113.0/27,NL,NL-NH,Amsterdam,\n192.0.2.0/24,US,,,\n',
    'ips-v4': '192.0.2.128/25\r\n',
  })
  t.match(networks.find('203.0.113.1'), { network: 'ours', asn: 64500 }, 'though others are longer')
  t.match(networks.find('203.0.113.9'), { network: 'feed', asn: 64500, country: 'NL' }, 'the longer one')
  t.match(networks.find('203.0.113.40'), { network: 'spamhaus', asn: null })
  t.match(networks.find('198.51.100.7'), { network: 'spamhaus' })
  t.match(networks.find('192.0.2.1'), { network: 'feed', country: 'US' })
  t.match(networks.find('192.0.2.129'), { network: 'cloudflare', country: null })
  t.end()
})

t.test('a prefix of several services has the name of the provider alone', (t) => {
  const aws = (services: readonly string[]) => ({
    createDate: '2026-11-27-00-00-00',
    prefixes: services.map((service) => ({ ip_prefix: '192.0.2.0/24', service })),
  })
  for (const [services, network] of [
    [['AMAZON'], 'aws'],
    [['AMAZON', 'S3'], 'aws/s3'],
    [['S3', 'AMAZON', 'S3'], 'aws/s3'],
    [['S3', 'EC2'], 'aws'],
    [['S3', 'EC2', 'S3', 'AMAZON', 'EBS'], 'aws'],
  ] as const) {
    const { networks } = open(t, { 'ip-ranges.json': JSON.stringify(aws(services)) })
    t.same(networks.find('192.0.2.1'), named(network), services.join())
  }
  t.end()
})

t.test('a file that changes is read again; a broken one is told once, and the old one goes on', (t) => {
  const { networks, lines, write, folder, paths } = open(t, { 'own.yml': 'office: [192.0.2.0/24]' })
  const before = networks.version
  networks.look()
  t.equal(networks.version, before)
  t.equal(lines.length, 1)

  write('own.yml', 'office: [192.0.2.0/33]')
  networks.look()
  networks.look()
  t.match(lines, [{ kind: 'own' }, { reason: /192\.0\.2\.0\/33/, words: /what it said before goes on/ }])
  t.equal(lines.length, 2)
  t.equal(networks.failed, 1)
  t.same(networks.find('192.0.2.1'), named('office'))

  rmSync(join(folder, 'own.yml'))
  networks.look()
  t.equal(networks.failed, 1)
  t.same(networks.find('192.0.2.1'), named('office'))

  write('own.yml', 'home: [192.0.2.0/24]')
  networks.look()
  t.equal(networks.failed, 0)
  t.same(networks.find('192.0.2.1'), named('home'))
  t.not(networks.version, before)
  t.doesNotThrow(() => checkNetworkFiles(paths))
  t.end()
})

t.test('a database that is damaged inside finds nothing there, and is told once', (t) => {
  const whole = mmdb(4, [
    ['192.0.2.0/24', { asn: 'AS64500' }],
    ['198.51.100.0/24', { asn: 'AS64501' }],
  ])
  const second = whole.indexOf('AS64501')
  // The map of the second record says that it has members that are not there.
  const damaged = Buffer.concat([
    whole.subarray(0, second - 1),
    Buffer.alloc(8, 0xff),
    whole.subarray(second + 7),
  ])
  const { networks, lines } = open(t, { 'asn.mmdb': damaged })
  t.match(networks.find('192.0.2.1'), { asn: 64500 })
  t.same(networks.find('198.51.100.1'), unknown)
  t.same(networks.find('198.51.100.2'), unknown)
  t.match(lines, [{ kind: 'database' }, { words: /is damaged/ }])
  t.equal(lines.length, 2)
  t.equal(networks.failed, 1)
  t.end()
})

t.test('what is wrong with a file', (t) => {
  const wrong = (name: string, content: string, message: RegExp) => {
    const { networks, lines, paths } = open(t, { [name]: content })
    t.match(lines, [{ file: paths[0], reason: message }], String(message))
    t.equal(networks.failed, 1)
    t.same(networks.find('192.0.2.1'), unknown)
    t.throws(() => checkNetworkFiles(paths), { message: /^--networks\.file: cannot read \// })
  }
  wrong('own.yml', '- 192.0.2.0/24', /it must hold names and their prefixes/)
  wrong('own.yml', 'office:\n  floor: 1', /own\.yml:1:1: office: write prefixes/)
  wrong('own.yml', 'office: [192.0.2.1/24]', /'192\.0\.2\.1\/24' has bits set after its prefix/)
  wrong('own.yml', 'a: [192.0.2.0/24]\nb: [192.0.2.0/24]', /192\.0\.2\.0\/24 is of a and of b/)
  wrong('own.yml', 'a: [192.0.2.0/24', /own\.yml:1:/)
  wrong('list.txt', '192.0.2.0/24\nhello', /^line 2: 'hello' is not a CIDR prefix/)
  wrong('list.txt', 'x'.repeat(1e6), /^line 1: 'x{49}…' is no prefix$/)
  wrong('list.txt', '\0', /it is neither text nor an MMDB database/)
  wrong('list.txt', '# nothing\n', /there is no prefix in it/)
  wrong('x.json', '{"a": [', /JSON/)
  wrong('x.json', '{"a": ["192.0.2.0/24"]}', /of no provider that is known/)
  t.throws(() => checkNetworkFiles(['/nowhere']), { message: /ENOENT/ })
  t.throws(() => checkNetworkFiles(['/dev/null']), { message: /it is no file/ })
  t.end()
})
