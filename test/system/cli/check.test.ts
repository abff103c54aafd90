import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { release } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { describeServices } from '../../../src/services/known-here.js'
import { modes, program, startExporter } from '../../support/exporter.js'
import { temporaryFolder } from '../../support/memory.js'
import { type Namespace, silentPair } from '../../support/network.js'

function check(host: Namespace, flags: string[] = [], wrapper: string[] = []) {
  const [file, args] = host.command(...wrapper, ...program, 'check', ...flags)
  return spawnSync(file, args, { encoding: 'utf8' })
}
const json = (result: { stdout: string }) => JSON.parse(result.stdout)
const everything = (host: Namespace) =>
  host.run(['tc', 'qdisc', 'show']) + host.run(['tc', 'filter', 'show', 'dev', 'lan0', 'egress'])

t.test('a host that can do everything', async (t) => {
  const host = silentPair(t, 'lan0')
  const before = everything(host)
  const text = check(host)
  t.equal(text.status, 0)
  t.match(text.stdout, /^The exporter can count on this host\.\n\nkernel +\d/)
  t.match(text.stdout, `\nservices      ${describeServices()}\n`)
  t.match(text.stdout, `lan0 (ether): by ${modes[0]}`)
  t.match(text.stdout, /What is here of this program:\n {2}nothing\n/)

  const report = json(check(host, ['--json']))
  t.match(report, { kernel: release(), usable: true, services: describeServices(), leftovers: [] })
  t.strictSame(
    report.features.map(({ name, available }: { name: string; available: boolean }) => [name, available]),
    ['program', 'tcx', 'clsact', 'mmapable arrays', 'membarrier'].map((name) => [name, true]),
  )
  t.match(
    report.interfaces.find(({ name }: { name: string }) => name === 'lan0'),
    { linkType: 'ether', defaultRoute: false, mode: modes[0], programs: [], hidden: false },
  )
  t.equal(everything(host), before, 'it changes nothing')
})

t.test('each BPF file system, once', async (t) => {
  const host = silentPair(t, 'lan0')
  const path = join(temporaryFolder(t), 'two words')
  mkdirSync(path)
  for (let mounts = 0; mounts < 2; mounts++) {
    execFileSync('mount', ['-t', 'bpf', 'bpf', path])
    t.teardown(() => execFileSync('umount', [path]))
  }
  const { bpffs } = json(check(host, ['--json']))
  t.same(
    bpffs.filter((one: { path: string }) => one.path === path),
    [{ path, writable: true }],
  )
  t.match(check(host).stdout, new RegExp(`^bpffs {9}.*${path}`, 'm'))
})

t.test('what runs beside, what hides, and what a killed run left', async (t) => {
  const host = silentPair(t, 'lan0')
  await host.attachForeignTcx(t, 'lan0', 'deny', 'head')
  host.attachForeign(t, 'lan0', 'drop')
  const exporter = await startExporter(t, host, '--interface=lan0', '--bpf.mode=clsact')
  const lan0 = (flags: string[]) =>
    json(check(host, ['--json', ...flags])).interfaces.find(({ name }: { name: string }) => name === 'lan0')
  t.match(lan0(['--bpf.mode=clsact']), {
    mode: 'clsact',
    hidden: true,
    programs: [
      { attached: 'tcx', name: 'foreign_deny', ours: false },
      { attached: 'clsact', name: 'egress_ethernet', ours: true },
      { attached: 'clsact', name: 'foreign.o:[drop]', ours: false },
    ],
  })
  t.match(lan0([]), { mode: 'tcx', hidden: false })
  t.match(check(host).stdout, `the clsact filter on lan0: used by process ${exporter.child.pid}`)
  t.match(check(host, ['--bpf.mode=clsact']).stdout, 'hidden: programs of others run first')
  await exporter.kill()
  t.match(check(host).stdout, 'the clsact filter on lan0: nobody uses it; egress-exporter cleanup removes it')
})

t.test('without privileges', async (t) => {
  const host = silentPair(t, 'lan0')
  const without = (...capabilities: string[]) => ['setpriv', `--bounding-set=${capabilities.join(',')}`]
  const none = check(host, [], without('-all'))
  t.equal(none.status, 77)
  t.match(none.stdout, /^The exporter cannot count on this host\./)
  t.match(none.stdout, 'CAP_BPF and CAP_NET_ADMIN missing; run it as root')
  t.match(none.stdout, 'lan0 (ether): cannot be counted on')
  const two = check(host, ['--json'], without('-all', '+bpf', '+net_admin'))
  t.equal(two.status, 0)
  t.match(json(two), {
    privileges: { held: ['CAP_NET_ADMIN', 'CAP_BPF'], missing: ['CAP_PERFMON'] },
    features: [{ available: true }, { reason: /^not tried: .* CAP_SYS_ADMIN$/ }],
  })
})

t.test('wrong usage', async (t) => {
  const host = silentPair(t, 'lan0')
  t.match(check(host, ['--xml']), {
    status: 2,
    stderr: "egress-exporter: unknown option '--xml'; see --help\n",
  })
})

t.test('a kernel without bpf()', (t) => {
  const host = silentPair(t, 'lan0')
  const without = ['python3', 'test/support/without-bpf.py']
  const reason = /kernel \S+ has no BPF: it needs CONFIG_BPF_SYSCALL, which distribution kernels have/
  const result = check(host, [], without)
  t.equal(result.status, 77)
  t.equal(result.stderr, '')
  t.match(result.stdout, /^The exporter cannot count on this host\./)
  t.match(result.stdout, reason)

  const [file, args] = host.command(...without, ...program, '--interface=lan0', '--storage.path=')
  const start = spawnSync(file, args, { encoding: 'utf8' })
  t.equal(start.status, 77)
  t.match(start.stderr, reason)
  t.notMatch(start.stderr, /\n\s+at /, 'no stack trace')
  t.end()
})
