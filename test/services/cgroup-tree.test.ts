import { lstatSync, mkdirSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import type { CgroupMount } from '../../src/services/cgroup-mount.js'
import { CgroupTree, type CgroupTreeOptions } from '../../src/services/cgroup-tree.js'
import { temporaryFolder } from '../support/memory.js'

/** A folder in the place of a cgroup2 mount, with a clock, and what was logged. */
function fakeMount(t: { teardown(action: () => unknown): void }, options: Partial<CgroupTreeOptions> = {}) {
  const path = temporaryFolder(t)
  const { dev: device } = lstatSync(path, { bigint: true })
  const mount: CgroupMount = { path, root: '/', device, whole: true }
  const host = {
    mount: mount as CgroupMount | undefined,
    nowMs: 0,
    walks: 0,
    warnings: [] as string[],
    /** @returns its inode */
    make(name: string | Buffer): bigint {
      const folder = Buffer.concat([Buffer.from(`${path}/`), Buffer.from(name)])
      mkdirSync(folder, { recursive: true })
      return lstatSync(folder, { bigint: true }).ino
    },
    remove: (name: string) => rmdirSync(join(path, name)),
  }
  const findMount = () => {
    host.walks++
    return host.mount
  }
  const warn = (words: string) => host.warnings.push(words)
  const tree = new CgroupTree({ findMount, generations: false, warn, nowMs: () => host.nowMs, ...options })
  return { path, mount, host, tree }
}

tap.test('ids are inodes', (t) => {
  const { host, tree } = fakeMount(t)
  const nginx = host.make('system.slice/nginx.service')
  const worker = host.make('system.slice/nginx.service/worker')
  const slice = host.make('system.slice')
  t.same(tree.find(nginx), { path: '/system.slice/nginx.service' })
  t.same(tree.find(worker), { path: '/system.slice/nginx.service/worker' })
  t.same(tree.find(slice), { path: '/system.slice' })
  t.equal(host.walks, 1)
  t.ok(tree.isRoot(1n))
  t.notOk(tree.isRoot(0x1_0000_0001n))
  t.same(host.warnings, [])
  t.end()
})

tap.test('before Linux 5.5 the lower half of an id is one', (t) => {
  const { host, tree } = fakeMount(t, { generations: true })
  const inode = host.make('a')
  t.ok(inode < 2n ** 32n, 'as there')
  t.same(tree.find((7n << 32n) | inode), { path: '/a' })
  t.ok(tree.isRoot(0x1_0000_0001n))
  t.end()
})

tap.test('names of any bytes, one character a byte', (t) => {
  const { host, tree } = fakeMount(t)
  const names = ['a b', 'new\nline', 'tatü', '...', '\\x0a', 'n'.repeat(255)].map((name) => Buffer.from(name))
  names.push(Buffer.from([0xff, 0x0a, 0xc3]), Buffer.from([0x1b, 0x5b, 0x33, 0x31, 0x6d]))
  const ids = names.map(host.make)
  names.forEach((name, index) => {
    const path = `/${name.toString('latin1')}`
    t.same(tree.find(ids[index] ?? 0n), { path }, JSON.stringify(path))
  })
  t.end()
})

tap.test('one walk a second, which settles everything that was asked for', (t) => {
  const { host, tree } = fakeMount(t)
  const first = host.make('first')
  t.same(tree.find(first), { path: '/first' })
  const second = host.make('second')
  host.nowMs = 999
  t.equal(tree.find(second), 'later')
  const gone = Array.from({ length: 1_009 }, (_, index) => 2n ** 60n + BigInt(index))
  t.ok(gone.every((id) => tree.find(id) === 'later'))
  t.equal(host.walks, 1)
  host.nowMs = 1_000
  t.same(tree.find(second), { path: '/second' })
  t.ok(gone.every((id) => tree.find(id) === 'gone'))
  t.equal(host.walks, 2)
  host.nowMs = 60_999
  t.ok(gone.every((id) => tree.find(id) === 'gone'))
  t.equal(host.walks, 2, 'remembered for a minute')
  host.nowMs = 61_000
  t.equal(tree.find(gone[0] ?? 0n), 'gone')
  t.equal(host.walks, 3)
  t.end()
})

tap.test('a slow walk makes the next one wait longer', (t) => {
  const { path, host, mount } = fakeMount(t)
  mkdirSync(join(path, 'a'))
  let walks = 0
  const tree = new CgroupTree({
    findMount: () => {
      walks++
      host.nowMs += 400
      return mount
    },
    generations: false,
    warn: t.fail,
    nowMs: () => host.nowMs,
  })
  t.equal(tree.find(2n ** 60n), 'gone')
  host.nowMs = 400 + 3_599
  t.equal(tree.find(2n ** 61n), 'later')
  host.nowMs++
  t.equal(tree.find(2n ** 61n), 'gone')
  t.equal(walks, 2)
  t.end()
})

tap.test('what went is still known', (t) => {
  const { host, tree } = fakeMount(t)
  const backup = host.make('backup.service')
  t.same(tree.find(backup), { path: '/backup.service' })
  const other = host.make('other.service')
  host.remove('backup.service')
  host.nowMs = 1_000
  t.same(tree.find(other), { path: '/other.service' })
  t.equal(host.walks, 2)
  t.same(tree.find(backup), { path: '/backup.service' })
  t.end()
})

tap.test('a million short-lived ones take no more memory than a few', (t) => {
  const { host, tree } = fakeMount(t)
  for (let id = 2n ** 60n; id < 2n ** 60n + 1_000_003n; id++) {
    tree.find(id)
    if (id % 100_000n === 0n) host.nowMs += 1_000
  }
  host.nowMs += 1_000
  const here = host.make('here')
  t.same(tree.find(here), { path: '/here' })
  t.equal(tree.find(2n ** 60n + 1_000_002n), 'gone', 'the last ones are remembered')
  host.nowMs += 999
  t.equal(tree.find(2n ** 60n), 'later', 'the first ones are not')
  t.end()
})

tap.test('more than may be seen: the outermost are', (t) => {
  const { host, tree } = fakeMount(t, { limit: 4 })
  const outer = ['a', 'b', 'c'].map((name) => host.make(name))
  const inner = host.make('a/inner')
  t.equal(tree.find(inner), 'gone')
  t.same(
    outer.map((id) => tree.find(id)),
    ['a', 'b', 'c'].map((name) => ({ path: `/${name}` })),
  )
  host.nowMs = 10_000
  tree.find(2n ** 60n)
  t.same(host.warnings, ['more than 4 cgroups: the innermost are not known by name'], 'said once')
  t.end()
})

tap.test('links and files are not followed, other devices not entered', (t) => {
  const { path, mount, host } = fakeMount(t)
  const outside = fakeMount(t)
  const secret = outside.host.make('secret')
  symlinkSync(outside.path, join(path, 'link'))
  symlinkSync('.', join(path, 'loop'))
  writeFileSync(join(path, 'cgroup.procs'), '')
  const inside = host.make('inside')
  const look = (device: bigint) =>
    new CgroupTree({
      findMount: () => ({ ...mount, device }),
      generations: false,
      warn: t.fail,
      nowMs: () => 0,
    })
  t.same(look(mount.device).find(inside), { path: '/inside' })
  t.equal(look(mount.device).find(secret), 'gone')
  t.equal(look(mount.device + 1n).find(inside), 'gone')
  t.end()
})

tap.test('deeper than a path can be', (t) => {
  const { path, host, tree } = fakeMount(t)
  const name = 'd'.repeat(250)
  const deep = Array.from({ length: 15 }, () => name).join('/')
  const last = host.make(deep)
  // Made from inside, as who wants to hide would do.
  const back = process.cwd()
  process.chdir(join(path, deep))
  mkdirSync(`${name}/${name}`, { recursive: true })
  const hidden = lstatSync(`${name}/${name}`, { bigint: true }).ino
  process.chdir(back)
  t.equal(tree.find(hidden), 'gone')
  t.same(tree.find(last), { path: `/${deep}` })
  t.same(host.warnings, [])
  t.end()
})

tap.test('a mount that vanishes and comes back', (t) => {
  const { path, mount, host, tree } = fakeMount(t)
  const nginx = host.make('nginx.service')
  t.same(tree.find(nginx), { path: '/nginx.service' })
  host.mount = undefined
  host.nowMs = 1_000
  t.equal(tree.find(2n ** 60n), 'gone')
  t.same(tree.find(nginx), { path: '/nginx.service' }, 'what was known still is')
  host.mount = { ...mount, path: join(path, 'gone') }
  host.nowMs = 2_000
  t.equal(tree.find(2n ** 61n), 'gone')
  host.mount = mount
  const late = host.make('late.service')
  host.nowMs = 3_000
  t.same(tree.find(late), { path: '/late.service' })
  t.same(host.warnings, [
    'no cgroup2 is mounted: who sends is not known',
    `${path}/gone cannot be read (ENOENT): who sends is not known`,
  ])
  t.end()
})
