import { execFileSync } from 'node:child_process'
import { mkdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Services of systemd, as far as the kernel sees them: cgroups of their names, in a slice of this process.
 *
 * @returns the paths by the names, and what removes them
 */
export function makeUnits(...names) {
  const [mount] = execFileSync('findmnt', ['-n', '-t', 'cgroup2', '-o', 'TARGET'], {
    encoding: 'utf8',
  }).split('\n')
  const slice = join(mount, `egress_${process.pid}.slice`)
  const units = Object.fromEntries(names.map((name) => [name, join(slice, name)]))
  const made = [slice, ...Object.values(units)]
  for (const path of made) mkdirSync(path)
  return {
    units,
    remove() {
      for (const path of made.toReversed()) rmdirSync(path)
    },
  }
}
