// Compiles the addon and better-sqlite3 for a package. (bcrypt's own prebuilt asks for GLIBC_2.14.)
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { root } from '../root.js'
import { machines } from './machines.js'

/**
 * @param folder where it is compiled
 * @param architecture Debian's name
 * @param sysroot see sysroot.js
 * @param node the folder of the Node.js to compile for
 * @returns the two files
 */
export function compileNative(folder, architecture, sysroot, node) {
  const build = { architecture, node, env: compiler(folder, architecture, sysroot) }
  return {
    addon: compileAddon(join(folder, 'addon'), build),
    sqlite: compileSqlite(join(folder, 'sqlite'), build),
  }
}

/** The machine's own compiler, with the files of another system. */
function compiler(folder, architecture, sysroot) {
  const { triplet } = machines[architecture]
  const gcc = join(sysroot, 'usr/lib/gcc', triplet, '10')
  const cxx = join(sysroot, 'usr/include')
  const common = [
    `--sysroot=${sysroot}`,
    // Before its own, where it would find the machine's libraries.
    `-B${gcc}`,
    `-B${join(sysroot, 'usr/lib', triplet)}`,
    ...[folder, sysroot, root].map((path) => `-ffile-prefix-map=${resolve(path)}=.`),
  ]
  const headers = [
    '-nostdinc++',
    ...[`${cxx}/c++/10`, `${cxx}/${triplet}/c++/10`].map((path) => `-isystem${path}`),
    // std::function of GCC 10 deceives newer compilers.
    '-Wno-uninitialized',
    '-Wno-maybe-uninitialized',
  ]
  return {
    CC: [`${triplet}-gcc`, ...common].join(' '),
    CXX: [`${triplet}-g++`, ...common, ...headers].join(' '),
    LDFLAGS: '-static-libstdc++ -static-libgcc',
  }
}

/** node-gyp builds beside binding.gyp; so this is a folder that has all but build/ of the root. */
function compileAddon(folder, build) {
  const sources = ['binding.gyp', 'bpf', 'native', 'node_modules', 'package.json', 'scripts']
  mkdirSync(folder, { recursive: true })
  for (const name of sources) link(join(root, name), join(folder, name))
  gyp(folder, build)
  return join(folder, 'build/Release/egress.node')
}

function compileSqlite(folder, build) {
  const source = join(root, 'node_modules/better-sqlite3')
  const file = join(folder, 'build/Release/better_sqlite3.node')
  // One file of 9 MB, for a minute.
  if (existsSync(file) && statSync(file).mtimeMs > statSync(join(source, 'package.json')).ctimeMs) return file
  rmSync(folder, { recursive: true, force: true })
  for (const name of ['binding.gyp', 'deps', 'lib', 'package.json', 'src'])
    cpSync(join(source, name), join(folder, name), { recursive: true })
  mkdirSync(join(folder, 'node_modules'))
  link(join(root, 'node_modules/node-addon-api'), join(folder, 'node_modules/node-addon-api'))
  const old = join(root, 'deploy/old-math.h')
  gyp(folder, { ...build, env: { ...build.env, CFLAGS: `-include ${old}` } }, '--force_build=1')
  return file
}

function gyp(folder, { architecture, node, env }, ...options) {
  const all = ['-C', folder, 'configure', 'build', '--jobs=max', '--loglevel=warn', ...options]
  const machine = [`--arch=${machines[architecture].node}`, `--nodedir=${resolve(node)}`]
  execFileSync(join(root, 'node_modules/.bin/node-gyp'), [...all, ...machine], {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, ...env },
  })
}

function link(target, path) {
  rmSync(path, { force: true })
  symlinkSync(target, path)
}
