import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findCgroupMount } from '../../src/services/cgroup-mount.js'

interface Teardown {
  teardown(action: () => unknown): void
}

/** Where cgroup2 is; mounted for the test where it is nowhere. */
export function cgroupRoot(t: Teardown): string {
  const here = findCgroupMount('/proc')?.path
  if (here !== undefined) return here
  const path = mkdtempSync(join(tmpdir(), 'egress-cgroup2-'))
  execFileSync('mount', ['-t', 'cgroup2', 'none', path])
  t.teardown(() => {
    execFileSync('umount', [path])
    rmdirSync(path)
  })
  return path
}

/** Units of a slice that goes with the test: their cgroups, by their names. */
export function makeUnits(t: Teardown, ...units: readonly string[]): string[] {
  const slice = join(cgroupRoot(t), `egress_${randomBytes(4).toString('hex')}.slice`)
  mkdirSync(slice)
  const made = units.map((unit) => join(slice, unit))
  for (const path of made) mkdirSync(path)
  t.teardown(() => {
    for (const path of [...made, slice]) rmdirSync(path)
  })
  return made
}

/** The command line that runs a command in a cgroup, as a user. */
export const inCgroup = (cgroup: string, uid: number, ...command: string[]): string[] => [
  'sh',
  '-c',
  'echo $$ >"$1/cgroup.procs" && shift && exec setpriv --reuid="$@"',
  'sh',
  cgroup,
  String(uid),
  ...command,
]
