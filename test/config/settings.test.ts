import t from 'tap'
import { defaults } from '../../src/config/options.js'
import { refuseTooMany } from '../../src/config/prefix-rules.js'
import { parseSettings } from '../../src/config/settings.js'
import { ExitCode } from '../../src/errors.js'
import { parseFlags } from '../support/command-line.js'

const settings = (...argv: string[]) => parseSettings({ ...defaults, ...parseFlags(argv).given })

t.test('the defaults', async (t) => {
  const found = settings()
  t.same(found.interfaces, [], 'the interfaces of the default routes')
  t.equal(found.prefixRules.length, 12, 'all four groups')
  t.ok(found.prefixRules.every(({ action }) => action === 'exclude'))
  t.equal(found.destinationsLimit, 65536)
  t.equal(found.idleTimeoutMs, 24 * 3600 * 1000)
  t.match(found, { ipv4PrefixLength: 32, ipv6PrefixLength: 128, aggregateReplies: false, pinPath: '' })
  t.equal(found.bpfMode, 'auto')
  t.same(found.listen, [{ port: 10191 }])
  t.equal(found.telemetryPath, '/metrics')
  t.same(found.log, { level: 'info', format: 'logfmt' })
  t.ok(Object.isFrozen(found))
  t.same(settings('run'), found, 'run is the default command')
})

t.test('repeated and listed values', async (t) => {
  t.same(settings('--interface', 'eth0', '--interface=wg0', '--interface=eth0').interfaces, ['eth0', 'wg0'])
  t.equal(settings('--destinations.exclude=loopback').prefixRules.length, 2, 'replaces the default')
  t.equal(
    settings('--destinations.exclude=loopback, 192.0.2.0/24', '--destinations.exclude=2001:db8::/32')
      .prefixRules.length,
    4,
  )
  t.same(settings('--destinations.exclude=none').prefixRules, [])
})

const bad: [argv: string[], message: RegExp][] = [
  [['--interface='], /^--interface: the name is empty/],
  [['--interface.exclude='], /^--interface.exclude: the name is empty/],
  [
    ['--destinations.exclude=public'],
    /^--destinations.exclude: there is no group 'public': use private, loopback, link-local, multicast, none, or CIDR prefixes$/,
  ],
  [
    ['--destinations.exclude=10.0.0.1/8'],
    /^--destinations.exclude: '10.0.0.1\/8' has bits set after its prefix/,
  ],
  [['--destinations.exclude=private,'], /^--destinations.exclude: there is no group ''/],
  [['--destinations.exclude=none,private'], /^--destinations.exclude: 'none' stands alone$/],
  [['--destinations.limit=0'], /^--destinations.limit: '0' is not a whole number from 1 to 16777216$/],
  [['--destinations.limit=1e3'], /^--destinations.limit: '1e3' is not a whole number/],
  [['--destinations.limit=16777217'], /^--destinations.limit: '16777217' is not/],
  [
    ['--destinations.include=192.0.2.0/24', '--destinations.exclude=192.0.2.0/24'],
    /^--destinations.include: '192.0.2.0\/24' is excluded as well: leave it out of one of them$/,
  ],
  [
    ['--destinations.include=192.0.2.0/25', '--destinations.aggregate-ipv4=24'],
    /^--destinations.include: '192.0.2.0\/25' is longer than the 24 bits that destinations are told apart by$/,
  ],
  [
    ['--destinations.exclude=2001:db8::/56', '--destinations.aggregate-ipv6=48'],
    /^--destinations.exclude: '2001:db8::\/56' is longer than the 48 bits/,
  ],
  [
    ['--destinations.aggregate-ipv4=0'],
    /^--destinations.aggregate-ipv4: '0' is not a whole number from 1 to 32$/,
  ],
  [
    ['--destinations.aggregate-ipv6=129'],
    /^--destinations.aggregate-ipv6: '129' is not a whole number from 1 to 128$/,
  ],
  [
    ['--destinations.idle-timeout=1day'],
    /^--destinations.idle-timeout: '1day' is not a duration: write 24h, 1h30m, 90s or 7d$/,
  ],
  [['--destinations.idle-timeout='], /^--destinations.idle-timeout: '' is not a duration/],
  [['--bpf.pin-path=pins'], /^--bpf.pin-path: 'pins' is not usable: write an absolute path/],
  [['--web.listen-address=10191'], /^--web.listen-address: '10191' is not an address/],
  [['--web.telemetry-path=metrics'], /^--web.telemetry-path: 'metrics' is not usable/],
  [['--web.telemetry-path=/:name'], /^--web.telemetry-path: '\/:name' is not usable/],
  [['--web.telemetry-path=/-/ready'], /^--web.telemetry-path: '\/-\/ready' is not usable/],
  [['--web.telemetry-path=/docs'], /^--web.telemetry-path: '\/docs' is not usable/],
  [
    ['--web.telemetry-path=/api/v1/destinations'],
    /^--web.telemetry-path: '\/api\/v1\/destinations' is not usable/,
  ],
  [['--web.telemetry-path=/assets'], /^--web.telemetry-path: '\/assets' is not usable/],
  [['--web.telemetry-path=/'], /^--web.telemetry-path: '\/' is not usable/],
]
for (const [argv, message] of bad) {
  t.throws(() => settings(...argv), { message, exitCode: ExitCode.usage }, argv.join(' '))
}

t.test('more prefixes than have room are refused before anything is touched', async (t) => {
  const { prefixRules } = settings(
    '--destinations.exclude=10.0.0.0/8,2001:db8::/32,10.0.0.0/8',
    '--destinations.include=10.1.0.0/16',
  )
  t.doesNotThrow(() => refuseTooMany(prefixRules, 3), 'the same twice is one')
  t.throws(() => refuseTooMany(prefixRules, 2), {
    message: '3 prefixes are too many, with those to include: at most 2 have room',
  })
})
