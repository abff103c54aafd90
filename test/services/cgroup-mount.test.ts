import { mkdirSync } from 'node:fs'
import tap from 'tap'
import { findCgroupMount, hasVersion1, ownCgroup } from '../../src/services/cgroup-mount.js'
import { describeServices } from '../../src/services/known-here.js'
import { temporaryFolder } from '../support/memory.js'
import { fakeProc, mountLine } from '../support/procfs.js'

/** Its root has inode 1, as that of cgroup2 has. */
const whole = '/proc'

tap.test('the mount that shows all, wherever it is', (t) => {
  const part = temporaryFolder(t)
  const found = (...mounts: string[]) => findCgroupMount(fakeProc(t, mounts, '/'))
  t.equal(found(), undefined)
  t.equal(found(mountLine(whole, 'cgroup')), undefined, 'version 1')
  t.match(found(mountLine(whole, 'cgroup2')), { path: whole, whole: true })
  t.match(found(mountLine(part, 'cgroup2')), { path: part, whole: false })
  t.match(found(mountLine(part, 'cgroup2'), mountLine(whole, 'cgroup2', '/../..')), { path: whole })
  t.equal(
    found('41 31 0:99999 / /proc rw - cgroup2 none rw', '42 31 0:28 / /nonexistent rw - cgroup2 none rw'),
    undefined,
    'hidden by another mount, and gone',
  )
  t.equal(
    found('', 'a b c', '1 2 3:4', mountLine(part, 'tmpfs').replace('tmpfs none', 'tmpfs cgroup2')),
    undefined,
  )
  t.end()
})

tap.test('a path of any bytes', (t) => {
  const odd = `${temporaryFolder(t)}/a b\tc\\d\ne`
  mkdirSync(odd)
  t.match(findCgroupMount(fakeProc(t, [mountLine(odd, 'cgroup2')], '/')), { path: odd })
  t.end()
})

tap.test('where procfs is hidden', (t) => {
  t.equal(findCgroupMount('/nonexistent'), undefined)
  t.equal(hasVersion1('/nonexistent'), false)
  t.equal(ownCgroup('/nonexistent'), undefined)
  t.end()
})

tap.test('what can be known, in a sentence', (t) => {
  const part = temporaryFolder(t)
  const described = (mounts: string[], own: string) => describeServices(fakeProc(t, mounts, own))
  const [unified, version1] = [mountLine(whole, 'cgroup2'), mountLine(part, 'cgroup')]
  const service = '/system.slice/egress-exporter.service'
  t.equal(described([unified], service), 'told apart by cgroup, from /proc')
  t.equal(
    described([version1, unified], service),
    'told apart by cgroup, from /proc, beside cgroup version 1 (hybrid)',
  )
  t.match(described([unified], '/'), 'from /proc; but processes here are in its root: these are one')
  t.match(described([version1, unified], '/'), 'in its root, since cgroup version 1 has them: these are one')
  t.match(described([version1], '/'), /^not told apart: only cgroup version 1 is mounted \(boot with /)
  t.match(described([], '/'), /^not told apart: no cgroup2 is mounted \(mount /)
  const own = mountLine(part, 'cgroup2')
  t.match(described([own], '/'), /^told apart only below the exporter's own cgroup: .*--cgroupns=host/)
  t.match(described([own], '/../other'), `told apart only below ${part}: it runs in a cgroup namespace`)
  const host = mountLine(whole, 'cgroup2', '/../..')
  for (const cgroup of ['/', '/../..'])
    t.equal(described([own, host], cgroup), 'told apart by cgroup, from /proc', "the host's is there as well")
  t.end()
})
