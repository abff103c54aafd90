// An arm64 guest: a kernel, what its tests call, Node.js, and the addon compiled for it here.
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fetchNode } from '../package/node.js'
import { root } from '../root.js'
import { openArchive } from './archive.js'
import { fetchKernel } from './packages.js'

const suite = 'bookworm'
const kernelPackages = [/^linux-image-6\.1\..*\d-arm64$/]
const linked = ['libbpf-dev', 'libelf-dev', 'zlib1g-dev']
/** What the tests and the guest's start call. */
const called = [
  ...['bash', 'bpftool', 'busybox-static', 'clang', 'coreutils', 'curl', 'dash', 'ethtool', 'findutils'],
  ...['grep', 'iproute2', 'iputils-ping', 'kmod', 'libstdc++6', 'llvm', 'mount', 'nftables', 'openssl'],
  ...['procps', 'python3', 'sed', 'tar', 'tcpdump', 'util-linux'],
]

/**
 * @param folder where all of it is kept between runs
 * @returns what boot() boots
 */
export function makeArm64(folder) {
  const apt = openArchive(folder, 'arm64', [suite])
  const own = join(folder, 'own')
  if (!existsSync(own)) unpack(apt, join(folder, 'cache/archives'), own)
  const node = fetchNode(folder, 'arm64')
  const addon = compileAddon(folder, own, node)
  // Over those of the machine that built this tree.
  place(join(node, 'bin/node'), join(own, root, 'node_modules/.bin/node'))
  place(addon, join(own, root, 'build/Release/egress.node'))
  return { ...fetchKernel(apt, folder, kernelPackages), name: 'arm64', suite, architecture: 'arm64', own }
}

function place(file, path) {
  mkdirSync(dirname(path), { recursive: true })
  copyFileSync(file, path)
}

function unpack(apt, archives, own) {
  const options = ['install', '--download-only', '--yes', '-q', '--no-install-recommends']
  run('apt-get', [...apt, ...options, ...linked, ...called])
  const partial = `${own}.partial`
  rmSync(partial, { recursive: true, force: true })
  // As merged-usr has them, which packages of this age are not built for.
  for (const name of ['bin', 'sbin', 'lib']) {
    mkdirSync(join(partial, 'usr', name), { recursive: true })
    symlinkSync(`usr/${name}`, join(partial, name))
  }
  for (const file of readdirSync(archives).filter((name) => name.endsWith('.deb'))) {
    const unpacking = 'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --keep-directory-symlink'
    run('sh', ['-c', unpacking, 'sh', join(archives, file), partial])
  }
  renameSync(partial, own)
}

/** node-gyp builds beside binding.gyp; so this is a folder that has all but build/ of the root. */
function compileAddon(folder, own, node) {
  const tree = join(folder, 'addon')
  const libraries = join(folder, 'libraries')
  for (const path of [tree, libraries]) mkdirSync(path, { recursive: true })
  for (const name of ['binding.gyp', 'bpf', 'native', 'node_modules', 'package.json', 'scripts'])
    link(join(root, name), join(tree, name))
  for (const name of ['libbpf.a', 'libelf.a', 'libz.a'])
    link(join(own, 'usr/lib/aarch64-linux-gnu', name), join(libraries, name))
  run(
    'node_modules/.bin/node-gyp',
    ['-C', tree, 'configure', 'build', '--jobs=max', '--arch=arm64', `--nodedir=${node}`, '--loglevel=warn'],
    { CC: 'aarch64-linux-gnu-gcc', CXX: `aarch64-linux-gnu-g++ -B${libraries}` },
  )
  return join(tree, 'build/Release/egress.node')
}

function link(target, path) {
  rmSync(path, { force: true })
  symlinkSync(target, path)
}

function run(command, args, env = {}) {
  execFileSync(command, args, { stdio: ['ignore', 2, 2], env: { ...process.env, ...env } })
}
