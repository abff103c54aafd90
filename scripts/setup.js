// Brings a fresh clone to where it runs: system packages, npm packages, BPF object, addon, JavaScript.
// Does only what is missing, so that a second call takes a moment. Uses nothing but Node itself.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

// What must be there (a command, or a file by its path), and the Debian package that brings it.
const buildNeeds = {
  clang: 'clang',
  'llvm-strip': 'llvm',
  '/usr/include/bpf/libbpf.h': 'libbpf-dev',
  '/usr/include/libelf.h': 'libelf-dev',
  '/usr/include/zlib.h': 'zlib1g-dev',
  bpftool: 'bpftool',
  'g++': 'g++',
  make: 'make',
  python3: 'python3',
}
const testNeeds = {
  ip: 'iproute2',
  nft: 'nftables',
  ethtool: 'ethtool',
  tcpdump: 'tcpdump',
  curl: 'curl',
  ping: 'iputils-ping',
  setpriv: 'util-linux',
  sysctl: 'procps',
  readelf: 'binutils',
  promtool: 'prometheus',
  'clang-format': 'clang-format',
  openssl: 'openssl',
  tmux: 'tmux',
  chromium: 'chromium',
  // Without it Chromium has no letters.
  '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf': 'fonts-dejavu-core',
}
const kernelNeeds = {
  'qemu-system-x86_64': 'qemu-system-x86',
  '/bin/busybox': 'busybox-static',
  cpio: 'cpio',
  depmod: 'kmod',
  xz: 'xz-utils',
}
// Ubuntu has no package of bpftool's own.
const ubuntuPackages = { bpftool: ['linux-tools-common', 'linux-tools-generic'] }

/**
 * Sets everything up: for running, with `test` for testing, with `kernels` for testing in other
 * kernels. Exits with a line that says why not.
 */
export function setup({ test = false, kernels = false } = {}) {
  process.chdir(root)
  requireNode()
  installSystemPackages({ ...buildNeeds, ...(test && testNeeds), ...(kernels && kernelNeeds) })
  installNpmPackages()
  buildAddon()
  buildJavaScript()
}

function say(text) {
  process.stderr.write(`egress-exporter: ${text}\n`)
}

function stop(text) {
  say(text)
  process.exit(1)
}

/** Runs a command that prints to standard error, since standard output is the program's. */
function execute(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...env },
  })
  if (status !== 0) stop(`failed: ${command} ${args.join(' ')}${error ? ` (${error.message})` : ''}`)
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  stop(`Node.js ${process.versions.node} is too old: install 20.19 or newer`)
}

function exists(need) {
  if (need.startsWith('/')) return existsSync(need)
  return process.env.PATH.split(delimiter).some((folder) => existsSync(join(folder, need)))
}

function installSystemPackages(needs) {
  const missing = Object.keys(needs).filter((need) => !exists(need))
  if (missing.length === 0) return
  const ubuntu = existsSync('/etc/os-release') && /^ID=ubuntu$/m.test(readFileSync('/etc/os-release', 'utf8'))
  const packages = [
    ...new Set(missing.flatMap((need) => (ubuntu && ubuntuPackages[needs[need]]) || [needs[need]])),
  ]
  if (!exists('apt-get') || process.getuid() !== 0) {
    const how = exists('apt-get') ? 'run this once as root, or apt-get install' : 'install what Debian calls'
    stop(`missing: ${missing.join(', ')}; ${how} ${packages.join(' ')}`)
  }
  say(`installing with apt: ${packages.join(' ')}`)
  const quiet = { DEBIAN_FRONTEND: 'noninteractive' }
  execute('apt-get', ['update', '-q'], quiet)
  execute('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...packages], quiet)
}

function installNpmPackages() {
  // npm writes it last, so it tells a complete installation.
  if (isNewer('node_modules/.package-lock.json', ['package-lock.json'])) return
  say('installing npm packages')
  execute('npm', ['ci', '--no-audit', '--no-fund'])
}

function buildAddon() {
  const addon = 'build/Release/egress.node'
  const sources = ['bpf', 'native', 'binding.gyp', 'scripts/build-bpf.sh', 'scripts/static-libraries.js']
  if (isNewer(addon, sources)) return
  say('compiling the kernel program and the addon (about half a minute)')
  rmSync(addon, { force: true })
  execute('node_modules/.bin/node-gyp', ['configure', 'build', '--loglevel=warn', ...installedHeaders()])
}

/** Node's own headers, where they came with it: else node-gyp downloads them. */
function installedHeaders() {
  const prefix = dirname(dirname(process.execPath))
  return existsSync(join(prefix, 'include/node/node_api.h')) ? [`--nodedir=${prefix}`] : []
}

function buildJavaScript() {
  const stamp = 'dist/revision'
  if (isNewer(stamp, ['src', 'tsconfig.json', 'package.json', 'scripts/bundle.js'])) return
  say('bundling TypeScript')
  execute(process.execPath, ['scripts/bundle.js'])
  writeFileSync(stamp, `${revision()}\n`)
}

function revision() {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return 'unknown' // a tarball has no history
  }
}

/** Whether a file exists and is newer than all sources, folders included. */
function isNewer(file, sources) {
  if (!existsSync(file)) return false
  const made = statSync(file).mtimeMs
  return sources.every((source) => newestIn(source) <= made)
}

function newestIn(path) {
  const stats = statSync(path)
  if (!stats.isDirectory()) return stats.mtimeMs
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => newestIn(join(path, name))))
}
