// Another revision of this program, built by its own scripts: what today's is compared with.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { root } from '../../scripts/root.js'

/** @returns its folder; what an earlier call built is used again */
export function buildRevision(revision) {
  const folder = join(tmpdir(), `egress-exporter-${revision}`)
  if (!existsSync(folder)) {
    const files = execFileSync('git', ['-C', root, 'archive', revision], { maxBuffer: 2 ** 28 })
    mkdirSync(folder)
    execFileSync('tar', ['-x', '-C', folder], { input: files })
  }
  execFileSync(machineNode(), ['scripts/build.js'], { cwd: folder, stdio: ['ignore', 2, 2], env: plainEnv() })
  return folder
}

/** The first on the path that no npm package brought: the revision knows none of those. */
export function machineNode() {
  const found = plainPath()
    .map((folder) => join(folder, 'node'))
    .find(existsSync)
  if (found === undefined) throw new Error('no Node of the machine’s own is on the path')
  return found
}

const plainPath = () => process.env.PATH.split(delimiter).filter((folder) => !folder.includes('node_modules'))
const plainEnv = () => ({ ...process.env, PATH: plainPath().join(delimiter) })
