// npm run package [-- amd64] [arm64] [deb] [rpm] [--twice]: makes packages in build/packages, of all formats and for
// this machine where none is named. They run without a compiler, without npm and without a Node.js of the host.
// With --twice it makes each again in another folder, at another time, and fails where a byte differs.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { makeDeb } from './package/deb.js'
import { checkElfFiles } from './package/elf.js'
import { machines } from './package/machines.js'
import { compileNative } from './package/native.js'
import { fetchNode } from './package/node.js'
import { makeRpm } from './package/rpm.js'
import { makeSysroot } from './package/sysroot.js'
import { root } from './root.js'

process.chdir(root)
const makers = { deb: makeDeb, rpm: makeRpm }
const words = process.argv.slice(2)
const named = words.filter((word) => word in machines)
const formats = chosen(
  words.filter((word) => word in makers),
  Object.keys(makers),
)
const twice = words.includes('--twice')
const folder = resolve('build/packages')
const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
const [revision, time] = git('log', '-1', '--format=%H %ct').split(' ')
const seconds = Number(process.env.SOURCE_DATE_EPOCH ?? time)
const date = new Date(seconds * 1000).toISOString().slice(0, 10)

for (const architecture of chosen(named, [ownArchitecture()])) {
  const made = await make(architecture, join(folder, architecture))
  for (const file of made) {
    copyFileSync(file, join(folder, basename(file)))
    console.log(`${basename(file)} ${(statSync(file).size / 1e6).toFixed(1)} MB sha256 ${sumOf(file)}`)
  }
  if (twice) await compare(architecture, made)
}

function chosen(words, otherwise) {
  return words.length > 0 ? words : otherwise
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
  const files = []
  for (const format of formats) {
    const { file, tree } = await makers[format](place, architecture, built)
    const elfFiles = checkElfFiles(tree)
    // Of one architecture they are the same in all formats.
    if (files.length === 0) elfFiles.forEach(tell)
    files.push(file)
  }
  return files
}

function tell({ file, symbols }) {
  const list = Object.entries(symbols).map(([kind, version]) => `${kind}_${version}`)
  console.log(`  ${file}: ${list.join(' ')}`)
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
