import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeFolder } from '../../src/memory/folder.js'

t.test('makes what is missing, for nobody else', (t) => {
  const path = join(t.testdir(), 'a/b/c')
  makeFolder(path)
  for (const folder of [path, join(path, '..'), join(path, '../..')]) {
    t.equal(statSync(folder).mode & 0o7777, 0o700, folder)
  }
  makeFolder(path)
  makeFolder(`${path}/`)
  t.end()
})

t.test('leaves what is there as it is', (t) => {
  const path = join(t.testdir(), 'a')
  mkdirSync(path)
  symlinkSync(path, `${path}-link`)
  const mode = statSync(path).mode
  makeFolder(path)
  makeFolder(`${path}-link`)
  t.equal(statSync(path).mode, mode)
  makeFolder('/')
  t.end()
})

t.test('refuses where something else is', (t) => {
  const path = join(t.testdir(), 'a')
  writeFileSync(path, '')
  symlinkSync(`${path}-nowhere`, `${path}-link`)
  t.throws(() => makeFolder(path), { code: 'EEXIST' })
  t.throws(() => makeFolder(join(path, 'b/c')), { code: 'ENOTDIR' })
  t.throws(() => makeFolder(`${path}-link`), { code: 'EEXIST' })
  t.end()
})

// Node's own way spins for ever in /proc: its mkdir says ENOENT, though the parent is there.
for (const [path, code] of [
  ['/proc/egress/exporter', 'ENOENT'],
  ['/proc/self/egress/exporter', 'ENOENT'],
  // With root's rights, and without.
  ['/sys/egress/exporter', /^(EPERM|EACCES)$/],
] as const) {
  t.throws(() => makeFolder(path), { code }, path)
}
