// Brings a fresh clone to where it runs: system packages, npm packages, BPF object, addon, JavaScript.
// Does only what is missing. Uses nothing but Node itself, of any version from 20 on: what runs later is
// the Node that npm brings. Called by setup.sh, with --test for what tests need as well, with --kernels
// for what other kernels need, with --arm64 for what an arm64 guest needs, with --packages for what packages
// need, with --guests for what systems with their own systemd need, and with --scrapers for those that
// test:scrapers needs.
import { execFileSync, spawnSync } from 'node:child_process'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { root } from './root.js'

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
  '/usr/sbin/nginx': 'nginx',
  'clang-format': 'clang-format',
  openssl: 'openssl',
  '/usr/include/doctest/doctest.h': 'doctest-dev',
  // The programs alone: their services would want port 53 of this host.
  '/usr/sbin/dnsmasq': 'dnsmasq-base',
  dig: 'bind9-dnsutils',
  tmux: 'tmux',
  runc: 'runc',
  chromium: 'chromium',
  // Without it Chromium has no letters.
  '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf': 'fonts-dejavu-core',
}
const scraperNeeds = {
  'victoria-metrics': 'victoria-metrics',
}
const kernelNeeds = {
  'qemu-system-x86_64': 'qemu-system-x86',
  '/bin/busybox': 'busybox-static',
  cpio: 'cpio',
  depmod: 'kmod',
  xz: 'xz-utils',
  wg: 'wireguard-tools',
  teamnl: 'libteam-utils',
}
const arm64Needs = {
  'qemu-system-aarch64': 'qemu-system-arm',
  'aarch64-linux-gnu-g++': 'g++-aarch64-linux-gnu',
}
const packageNeeds = {
  'dpkg-deb': 'dpkg',
  readelf: 'binutils',
  lintian: 'lintian',
  rpmbuild: 'rpm',
  rpmlint: 'rpmlint',
  'aarch64-linux-gnu-g++': 'g++-aarch64-linux-gnu',
}
const guestNeeds = {
  debootstrap: 'debootstrap',
  'systemd-nspawn': 'systemd-container',
}
// Ubuntu has no package of bpftool's own.
const ubuntuPackages = { bpftool: ['linux-tools-common', 'linux-tools-generic'] }

const test = process.argv.includes('--test')
const kernels = process.argv.includes('--kernels')
const arm64 = process.argv.includes('--arm64')
const packages = process.argv.includes('--packages')
const guests = process.argv.includes('--guests')
const scrapers = process.argv.includes('--scrapers')
const runtime = `node_modules/node-linux-${process.arch}`
const addon = 'build/Release/egress.node'
const builtFor = 'build/built-for'
const stamp = 'dist/revision'

process.chdir(root)
requireMachine()
if (!(arePackagesCurrent() && isAddonCurrent() && isJavaScriptCurrent()))
  requireWritable(['.', 'build', 'dist', 'node_modules'])
installSystemPackages({
  ...buildNeeds,
  ...(test && testNeeds),
  ...(kernels && kernelNeeds),
  ...(arm64 && arm64Needs),
  ...(packages && packageNeeds),
  ...(guests && guestNeeds),
  ...(scrapers && scraperNeeds),
})
installNpmPackages()
process.env.PATH = [resolve('node_modules/.bin'), process.env.PATH].join(delimiter)
buildAddon()
buildJavaScript()

function say(text) {
  process.stderr.write(`egress-exporter: ${text}\n`)
}

function stop(text) {
  say(text)
  process.exit(1)
}

/** Runs a command that prints to standard error, since standard output is the program's. */
function execute(command, args, { env = {}, remedy = '' } = {}) {
  const { status, error } = spawnSync(command, args, {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...env },
  })
  if (status === 0) return
  stop(`failed: ${command} ${args.join(' ')}${error ? ` (${error.message})` : ''}${remedy}`)
}

function requireMachine() {
  const { node } = process.versions
  if (Number(node.split('.')[0]) < 20)
    stop(`Node.js ${node} is too old: install 20 or newer; it only begins, and npm brings what runs`)
  const { glibcVersionRuntime } = process.report.getReport().header
  if (!glibcVersionRuntime)
    stop('this system has no glibc (musl?): run it on Debian, Ubuntu, Fedora or the like')
  if (!['x64', 'arm64'].includes(process.arch))
    stop(`there is no Node.js for ${process.arch} in npm: run it on x64 or arm64`)
}

function requireWritable(folders) {
  for (const folder of folders.filter((folder) => existsSync(folder))) {
    try {
      accessSync(folder, constants.W_OK)
    } catch (error) {
      stop(
        `cannot set up in ${resolve(folder)} (${error.code}): run it as the owner of that folder, or in a copy of your own`,
      )
    }
  }
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

function arePackagesCurrent() {
  // npm writes its own list last, so it tells a complete installation.
  const current = isNewer('node_modules/.package-lock.json', ['package-lock.json'])
  return current && existsSync(runtime) && (!test || forTests().every(isInstalled))
}

function forTests() {
  return Object.keys(JSON.parse(readFileSync('package.json', 'utf8')).devDependencies)
}

function isInstalled(name) {
  return existsSync(join('node_modules', name))
}

function installNpmPackages() {
  if (arePackagesCurrent()) return
  // Those of a developer stay.
  const omit = test || forTests().some(isInstalled) ? [] : ['--omit=dev']
  say('installing npm packages')
  // Errors alone: it warns that the Node that begins is not the one that will run.
  execute('npm', ['ci', ...omit, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    remedy: ': npm needs its registry, by HTTPS_PROXY= where that is behind a proxy',
  })
  if (!existsSync(runtime))
    stop(`package-lock.json does not bring Node.js for ${process.arch}: take the one of the repository`)
}

/** Changes when there is another Node or machine, and nothing compiled is of use then. */
function machine() {
  return readFileSync(join(runtime, 'package.json'), 'utf8')
}

function isForThisMachine() {
  return existsSync(builtFor) && readFileSync(builtFor, 'utf8') === machine()
}

function isAddonCurrent() {
  const sources = ['bpf', 'native', 'binding.gyp', 'scripts/build-bpf.sh', 'scripts/static-libraries.js']
  return isForThisMachine() && isNewer(addon, sources)
}

function buildAddon() {
  if (isAddonCurrent()) return
  if (!isForThisMachine()) rmSync('build/Release', { recursive: true, force: true })
  say('compiling the kernel program and the addon (about half a minute)')
  rmSync(addon, { force: true })
  mkdirSync('build', { recursive: true })
  writeFileSync(builtFor, machine())
  const options = ['--jobs=max', `--nodedir=${resolve(runtime)}`, '--loglevel=warn']
  execute('node_modules/.bin/node-gyp', ['configure', 'build', ...options])
}

function isJavaScriptCurrent() {
  const sources = ['src', 'tsconfig.json', 'package.json', 'package-lock.json', 'scripts/bundle.js']
  return isNewer(stamp, sources)
}

function buildJavaScript() {
  if (isJavaScriptCurrent()) return
  say('bundling TypeScript')
  execute('node', ['scripts/bundle.js'])
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
