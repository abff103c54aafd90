// npm run package [-- amd64] [arm64] [--twice]: makes packages for this machine, or for those named, in build/packages, which run without a compiler,
// without npm and without a Node.js of the host. With --twice it makes each again in another folder, at
// another time, and fails where a byte differs.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { makeDeb } from './package/deb.js'
import { checkElfFiles } from './package/elf.js'
import { machines } from './package/machines.js'
import { compileNative } from './package/native.js'
import { fetchNode } from './package/node.js'
import { makeSysroot } from './package/sysroot.js'
import { root } from './root.js'

process.chdir(root)
const named = process.argv.slice(2).filter((word) => word in machines)
const twice = process.argv.includes('--twice')
const folder = resolve('build/packages')
const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
const [revision, time] = git('log', '-1', '--format=%H %ct').split(' ')
const seconds = Number(process.env.SOURCE_DATE_EPOCH ?? time)
const date = new Date(seconds * 1000).toISOString().slice(0, 10)

for (const architecture of named.length > 0 ? named : [ownArchitecture()]) {
  const made = await make(architecture, join(folder, architecture))
  for (const file of made) {
    copyFileSync(file, join(folder, basename(file)))
    console.log(`${basename(file)} ${(statSync(file).size / 1e6).toFixed(1)} MB sha256 ${sumOf(file)}`)
  }
  if (twice) await compare(architecture, made)
}

/** Debian's name of this machine. */
function ownArchitecture() {
  return Object.keys(machines).find((name) => machines[name].node === process.arch)
}

async function make(architecture, place) {
  mkdirSync(place, { recursive: true })
  const kept = join(folder, architecture)
  const node = fetchNode(kept, machines[architecture].node)
  const sysroot = makeSysroot(kept, architecture)
  const native = compileNative(place, architecture, sysroot, node)
  const built = { ...native, node, version, revision, seconds, date }
  const { file, tree } = await makeDeb(place, architecture, built)
  execFileSync('lintian', ['--fail-on=error', file], { stdio: ['ignore', 2, 2] })
  for (const { file, symbols } of checkElfFiles(tree)) {
    const list = Object.entries(symbols).map(([kind, version]) => `${kind}_${version}`)
    console.log(`  ${file}: ${list.join(' ')}`)
  }
  return [file]
}

/** All over again, but for what is downloaded. */
async function compare(architecture, made) {
  const place = join(folder, 'again', architecture)
  rmSync(place, { recursive: true, force: true })
  process.umask(0o077)
  for (const [index, file] of (await make(architecture, place)).entries()) {
    if (sumOf(file) !== sumOf(made[index])) throw new Error(`${basename(file)} differs from ${made[index]}`)
    console.log(`${basename(file)}: two builds are the same bytes`)
  }
  rmSync(place, { recursive: true })
}

function sumOf(file) {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}

function git(...args) {
  return execFileSync('git', args, { encoding: 'utf8' }).trim()
}
