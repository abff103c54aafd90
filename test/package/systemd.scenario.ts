// The package in a system with its own systemd: npm run test:package.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { eventually } from '../support/await.js'
import { Guest } from '../support/guest.js'
import { createNetwork, type Namespace } from '../support/network.js'

const unit = 'egress-exporter.service'
const machine = process.arch === 'x64' ? 'amd64' : 'arm64'
const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
const built = `build/packages/egress-exporter_${version}_${machine}.deb`
const to = '203.0.113.7'

/** The samples of a guest's page. */
function samples(guest: Guest): Map<string, number> {
  const page = guest.run('curl', '-sSf', 'http://localhost:10191/metrics')
  return new Map(
    page
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const at = line.lastIndexOf(' ')
        return [line.slice(0, at), Number(line.slice(at + 1))]
      }),
  )
}

const journal = (guest: Guest) => guest.journal('egress-exporter')

const packetsTo = (guest: Guest) =>
  samples(guest).get(`egress_packets_total{interface="veth0",destination="${to}"}`)

const total = (guest: Guest) => samples(guest).get('egress_interface_packets_total{interface="veth0"}') ?? NaN

/** What is attached to the host's interface, and pinned. */
function remains(guest: Guest, host: Namespace): string[] {
  const [{ tc }] = JSON.parse(host.run(['bpftool', '--json', 'net', 'show', 'dev', 'veth0']))
  const pins = guest.run('find', '/sys/fs/bpf', '-mindepth', '1', '-not', '-name', '*.debug')
  return [...tc.map((program: unknown) => JSON.stringify(program)), ...pins.split('\n')].filter(
    (line) => line !== '',
  )
}

/** The package under another version, into the guest. */
function repacked(guest: Guest, next: string): string {
  const folder = join(guest.root, 'root/next')
  execFileSync('dpkg-deb', ['--raw-extract', built, folder])
  const control = join(folder, 'DEBIAN/control')
  writeFileSync(control, readFileSync(control, 'utf8').replace(/^Version: .*$/m, `Version: ${next}`))
  execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '--build', folder, `${folder}.deb`], {
    stdio: ['ignore', 2, 2],
  })
  rmSync(folder, { recursive: true })
  return '/root/next.deb'
}

async function boot(t: Test) {
  const network = createNetwork(t)
  network.up()
  const { host } = network
  const guest = await Guest.boot(t, 'bookworm', host)
  copyFileSync(built, join(guest.root, 'root/this.deb'))
  return { host, guest }
}

const dropIn = (guest: Guest, text: string) => {
  const folder = join(guest.root, 'etc/systemd/system', `${unit}.d`)
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'test.conf'), text)
  guest.run('systemctl', 'daemon-reload')
}

t.test('a package through its life', async (t) => {
  const { host, guest } = await boot(t)
  const mainPid = () => guest.property(unit, 'MainPID')

  t.comment('install')
  const began = Date.now()
  guest.run('dpkg', '--install', '/root/this.deb')
  t.equal(guest.property(unit, 'ActiveState'), 'active', 'installed is started')
  t.ok(samples(guest).has('egress_interface_packets_total{interface="veth0"}'), 'and serves')
  t.comment(`install to first scrape: ${((Date.now() - began) / 1000).toFixed(1)} s`)
  t.match(
    guest.property(unit, 'StatusText'),
    /^counts, and serves http:/,
    'systemctl status says what it does',
  )
  const exposure = guest.run('systemd-analyze', 'security', '--no-pager', unit)
  const [, score] = /exposure level.*: ([\d.]+)/.exec(exposure) ?? []
  t.ok(Number(score) <= 2, `systemd-analyze security: ${score}`)

  t.comment('privileges')
  const status = guest.run('cat', `/proc/${mainPid()}/status`)
  t.match(status, /^CapEff:\t0*1000$/m, 'CAP_NET_ADMIN alone is left')
  t.notMatch(status, /^Uid:\t0/m, 'it is not root')
  t.match(status, /^NoNewPrivs:\t1$/m, 'nor can it become root')
  t.match(status, /^Seccomp:\t2$/m, 'system calls are filtered')

  t.comment('exact counts')
  const before = host.sent('veth0').packets - total(guest)
  host.traffic(`udp ${to} 9 97 5`)
  await eventually(() => assert.equal(packetsTo(guest), 97))
  await eventually(() => {
    assert.equal(total(guest) + before, host.sent('veth0').packets)
  })
  t.pass('97 packets are 97, and the device says the same')

  t.comment('reload')
  const file = join(guest.root, 'etc/egress-exporter.yml')
  const settings = readFileSync(file, 'utf8')
  writeFileSync(file, `${settings}\nlog.level: debug\n`)
  let said = journal(guest).length
  guest.run('systemctl', 'reload', unit)
  await eventually(() => assert.match(journal(guest).slice(said).join('\n'), /read the configuration again/))
  said = journal(guest).length
  writeFileSync(file, settings)
  guest.run('systemctl', 'kill', '--kill-who=main', '--signal=HUP', unit)
  await eventually(() => assert.match(journal(guest).slice(said).join('\n'), /read the configuration again/))
  guest.run('systemctl', 'kill', '--kill-who=main', '--signal=USR1', unit)
  await eventually(() => assert.equal(guest.property(unit, 'ActiveState'), 'active'))
  t.pass('by systemctl reload and by SIGHUP')

  t.comment('crash')
  const { child, lines, ended } = await host.startTraffic(t, `stream ${to} 9 997`)
  const first = mainPid()
  guest.run('systemctl', 'kill', '--kill-who=main', '--signal=KILL', unit)
  await eventually(() => {
    assert.equal(guest.property(unit, 'ActiveState'), 'active')
    assert.notEqual(mainPid(), first)
  })
  t.equal(guest.property(unit, 'NRestarts'), '1', 'killed, it was started once more')

  t.comment('the watchdog')
  dropIn(guest, '[Service]\nWatchdogSec=2\nTimeoutAbortSec=1\nRestartSec=0\n')
  guest.run('systemctl', 'restart', unit)
  const watched = mainPid()
  guest.run('systemctl', 'kill', '--kill-who=main', '--signal=STOP', unit)
  await eventually(() => {
    assert.notEqual(mainPid(), watched)
    assert.equal(guest.property(unit, 'ActiveState'), 'active')
  })
  t.match(
    guest.run('journalctl', '--unit', unit, '--output=cat'),
    /Watchdog timeout/,
    'it hung, and was ended and started',
  )
  rmSync(join(guest.root, 'etc/systemd/system', `${unit}.d`), { recursive: true })
  guest.run('systemctl', 'daemon-reload')

  t.comment('upgrade')
  const old = mainPid()
  guest.run('dpkg', '--install', repacked(guest, `${version}.1`))
  t.not(mainPid(), old, 'upgraded is restarted')
  t.match(guest.run('dpkg-query', '--show', 'egress-exporter'), `${version}.1`, 'another version')
  t.equal(guest.run('cat', '/etc/egress-exporter.yml'), settings, 'settings stay')
  child.kill()
  await ended
  const sent = 97 + Number(lines[0])
  await eventually(() => assert.equal(packetsTo(guest), sent))
  t.pass(`through crash, watchdog and upgrade, of ${sent} packets all are counted`)
  const remembered = guest.run('egress-exporter', 'destinations', '--json')
  t.match(remembered, to, 'root sees what the service remembers')

  t.comment('remove')
  guest.run('dpkg', '--remove', 'egress-exporter')
  t.same(remains(guest, host), [], 'nothing is attached or pinned')
  t.equal(guest.try('ls', '/usr/lib/egress-exporter').status, 2, 'the program is gone')
  t.match(guest.run('ls', '/var/lib/egress-exporter'), 'destinations.db', 'what it remembered stays')
  guest.run('dpkg', '--install', '/root/this.deb')
  t.equal(guest.property(unit, 'ActiveState'), 'active', 'installed again, it is started again')
  t.match(guest.run('egress-exporter', 'destinations', '--json'), to, 'and knows what it knew')

  t.comment('purge')
  guest.run('dpkg', '--purge', 'egress-exporter')
  t.same(remains(guest, host), [], 'nothing is attached or pinned after a purge')
  const left = guest.try(
    'ls',
    '/var/lib/egress-exporter',
    '/etc/egress-exporter.yml',
    '/usr/bin/egress-exporter',
  )
  t.equal(left.stdout, '', 'memory, settings and command are gone')
  const units = guest.run('find', '/etc/systemd', '/var/lib/systemd', '-name', '*egress*')
  t.equal(units, '', 'no link, mask or state of the unit is left')
})

t.test('with --services, what units send is theirs, by the names that systemd has for them', async (t) => {
  const { guest } = await boot(t)
  guest.run('dpkg', '--install', '/root/this.deb')
  const file = join(guest.root, 'etc/egress-exporter.yml')
  writeFileSync(file, `${readFileSync(file, 'utf8')}\nservices: true\n`)
  guest.run('systemctl', 'restart', unit)
  const start = (packets: number, ...options: string[]) => {
    const script = `for i in {1..${packets}}; do echo > /dev/udp/${to}/9; done; exec sleep infinity`
    guest.run('systemd-run', '--quiet', ...options, 'bash', '-c', script)
  }
  start(23, '--unit=backup', '--property=User=nobody')
  start(29, '--unit=postgresql@15-main')
  start(31, '--slice=batch')
  const sentBy = (service: string) =>
    samples(guest).get(`egress_packets_total{interface="veth0",destination="${to}",service="${service}"}`)
  await eventually(() =>
    assert.deepEqual(
      ['backup.service', 'postgresql@15-main.service', 'run-*.service'].map(sentBy),
      [23, 29, 31],
    ),
  )
  const slices = [...samples(guest).keys()].flatMap((series) => {
    const [, service, slice] = /^egress_service_info\{service="(.*?)",.*slice="(.*?)"/.exec(series) ?? []
    return slice ? [`${service} ${slice}`] : []
  })
  t.ok(slices.includes('backup.service system.slice'), slices.join())
  t.ok(slices.includes('run-*.service batch.slice'), slices.join())
})

t.test('where it cannot run, it says why once, and does not start over and over', async (t) => {
  const { guest } = await boot(t)
  guest.run('dpkg', '--install', '/root/this.deb')
  const refused = (what: string, sentence: RegExp) => {
    const before = journal(guest).length
    guest.run('systemctl', 'reset-failed', unit)
    guest.try('systemctl', 'restart', unit)
    t.equal(guest.property(unit, 'ActiveState'), 'failed', what)
    t.equal(guest.property(unit, 'NRestarts'), '0', what)
    const said = journal(guest)
      .slice(before)
      .filter((line) => !line.startsWith('time='))
    t.equal(said.length, 1, `${what}: one sentence`)
    t.match(said[0], sentence, what)
  }

  const file = join(guest.root, 'etc/egress-exporter.yml')
  const settings = readFileSync(file, 'utf8')
  writeFileSync(file, `${settings}\nno.such.setting: 1\n`)
  refused('a setting that does not exist', /egress-exporter.yml.*no\.such\.setting/)
  writeFileSync(file, settings)

  dropIn(guest, '[Service]\nAmbientCapabilities=\nCapabilityBoundingSet=\n')
  refused('without privileges, as in an unprivileged container', /CAP_BPF/)
  dropIn(guest, '')

  guest.run('umount', '/sys/fs/bpf')
  refused('without a BPF file system', /is not on a BPF file system: .*mount -t bpf/)
  guest.run('mount', '-t', 'bpf', 'bpf', '/sys/fs/bpf')

  guest.run('mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', '/var/lib/egress-exporter')
  guest.try('dd', 'if=/dev/zero', 'of=/var/lib/egress-exporter/full')
  guest.run('systemctl', 'reset-failed', unit)
  guest.run('systemctl', 'restart', unit)
  t.equal(samples(guest).get('egress_storage_degraded'), 1, 'with a full /var it counts, and says so')
  guest.run('systemctl', 'stop', unit)
  guest.run('umount', '/var/lib/egress-exporter')
})
