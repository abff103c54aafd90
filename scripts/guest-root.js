// Installs the Debian that npm run test:package boots, before the tests lose the network; kept between runs.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { findMirror } from './kernels/archive.js'

const suite = 'bookworm'
/** What tests call, beside what every Debian has. */
const included = ['systemd-sysv', 'iproute2', 'curl', 'bpftool', 'procps']

const root = join('build/guests', suite)
if (!existsSync(root)) {
  const partial = `${root}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true })
  const options = ['--variant=minbase', `--include=${included.join(',')}`]
  execFileSync('debootstrap', [...options, suite, partial, findMirror()], { stdio: ['ignore', 2, 2] })
  rmSync(join(partial, 'var/cache/apt/archives'), { recursive: true })
  renameSync(partial, root)
}
