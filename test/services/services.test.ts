import { lstatSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import { Services } from '../../src/services/services.js'
import { temporaryFolder } from '../support/memory.js'
import { fakeProc, mountLine } from '../support/procfs.js'

const id = 'a'.repeat(64)

function fakeHost(t: { teardown(action: () => unknown): void }, own = '/system.slice/x.service') {
  const root = temporaryFolder(t)
  const cgroups = temporaryFolder(t)
  const proc = fakeProc(t, [mountLine(cgroups, 'cgroup2')], own)
  const host = {
    root,
    cgroups,
    nowMs: 0,
    make(path: string): bigint {
      mkdirSync(join(cgroups, path), { recursive: true })
      return lstatSync(join(cgroups, path), { bigint: true }).ino
    },
  }
  const options = { proc, host: root, kernelRelease: '6.1.0', nowMs: () => host.nowMs }
  return { host, options, services: new Services(options) }
}

const nameOf = (services: Services, cgroupId: bigint, ingress = '') =>
  services.describe(cgroupId, ingress)?.service

tap.test('one name for each kind of sender', (t) => {
  const { host, services } = fakeHost(t)
  t.equal(nameOf(services, host.make('system.slice/nginx.service')), 'nginx.service')
  t.equal(nameOf(services, 0n, 'docker0'), 'forwarded:docker0')
  t.equal(nameOf(services, 0n), 'kernel')
  t.equal(nameOf(services, 1n), 'kernel')
  host.nowMs = 1_000
  t.equal(nameOf(services, 2n ** 60n), 'unknown')
  host.nowMs = 2_000
  t.equal(nameOf(services, 2n ** 61n), 'unknown', 'the same for all')
  t.end()
})

tap.test('a container at a bridge is known by its cgroup, and by its interface once that is gone', (t) => {
  const { host, services } = fakeHost(t)
  const cgroupId = host.make(`system.slice/docker-${id}.scope`)
  t.equal(nameOf(services, cgroupId, 'veth7'), 'container:aaaaaaaaaaaa')
  host.nowMs = 1_000
  t.equal(nameOf(services, 2n ** 60n, 'veth7'), 'forwarded:veth7')
  t.end()
})

tap.test('undefined where a second later more may be known', (t) => {
  const { host, services } = fakeHost(t)
  t.equal(nameOf(services, 2n ** 60n), 'unknown')
  const late = host.make('late.service')
  t.equal(services.describe(late, ''), undefined)
  host.nowMs = 1_000
  t.match(services.describe(late, ''), { service: 'late.service', kind: 'unit', cgroup: '/late.service' })
  t.end()
})

tap.test('a name holds, also when the cgroup and its files are gone or say something else', (t) => {
  const { host, services } = fakeHost(t)
  const file = join(host.root, 'var/lib/docker/containers', id, 'config.v2.json')
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, '{"Name":"/web"}')
  const sender = host.make(`docker/${id}`)
  t.equal(nameOf(services, sender), 'container:web')
  writeFileSync(file, '{"Name":"/other"}')
  rmdirSync(join(host.cgroups, 'docker', id))
  host.nowMs = 1_000
  t.equal(nameOf(services, 2n ** 60n), 'unknown')
  t.equal(nameOf(services, sender), 'container:web')
  t.end()
})

tap.test('instances of a template, by choice', (t) => {
  const { host, options } = fakeHost(t)
  const sender = host.make('system.slice/postgresql@15-main.service')
  t.equal(nameOf(new Services(options), sender), 'postgresql@15-main.service')
  t.equal(nameOf(new Services({ ...options, foldTemplates: true }), sender), 'postgresql@*.service')
  t.end()
})

tap.test('a kernel before 5.5', (t) => {
  const { host, options } = fakeHost(t)
  const inode = host.make('nginx.service')
  for (const kernelRelease of ['5.4.0-150-generic', '4.19.0', '5.4'])
    t.equal(
      nameOf(new Services({ ...options, kernelRelease }), (3n << 32n) | inode),
      'nginx.service',
      kernelRelease,
    )
  for (const kernelRelease of ['5.5.0', '5.10.0-8-amd64', '6.1', '7.0-rc1'])
    t.equal(
      nameOf(new Services({ ...options, kernelRelease }), (3n << 32n) | inode),
      'unknown',
      kernelRelease,
    )
  t.end()
})

tap.test('the root, where processes are in it, and where there is no cgroup2', (t) => {
  const { options } = fakeHost(t)
  // Its root has inode 1, as that of cgroup2 has.
  const processes = fakeProc(t, [mountLine('/proc', 'cgroup2')], '/')
  t.match(new Services({ ...options, proc: processes }).describe(1n, ''), { service: '/', kind: 'cgroup' })
  const moved = fakeProc(t, [mountLine('/proc', 'cgroup2')], '/init.scope')
  t.equal(nameOf(new Services({ ...options, proc: moved }), 1n), 'kernel')
  const none = { ...options, proc: fakeProc(t, [], '/') }
  t.equal(nameOf(new Services(none), 1n), 'unknown')
  const warnings: string[] = []
  t.equal(nameOf(new Services({ ...none, warn: (words) => warnings.push(words) }), 7n), 'unknown')
  t.same(warnings, ['no cgroup2 is mounted: who sends is not known'])
  t.end()
})
