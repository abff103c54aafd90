import { lstatSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './memory.js'

interface Teardown {
  teardown(action: () => unknown): void
}

/** A line of mountinfo that has a folder as a mount of this type. */
export function mountLine(path: string, type: string, root = '/'): string {
  const { dev } = lstatSync(path, { bigint: true })
  const [major, minor] = [(dev >> 8n) & 0xfffn, (dev & 0xffn) | ((dev >> 12n) & ~0xffn)]
  const written = path.replaceAll(
    /[\s\\]/g,
    (found) => `\\${found.charCodeAt(0).toString(8).padStart(3, '0')}`,
  )
  return `41 31 ${major}:${minor} ${root} ${written} rw,nosuid shared:9 master:3 - ${type} none rw,nsdelegate`
}

/** A folder with the files of /proc/self that say where cgroups are, and ours. */
export function fakeProc(t: Teardown, mounts: readonly string[], ownCgroup: string): string {
  const proc = temporaryFolder(t)
  mkdirSync(join(proc, 'self'))
  writeFileSync(
    join(proc, 'self/mountinfo'),
    ['22 1 0:21 / /proc rw - proc proc rw', ...mounts, ''].join('\n'),
  )
  writeFileSync(join(proc, 'self/cgroup'), `4:memory:/elsewhere\n0::${ownCgroup}\n`)
  return proc
}
