// What native code of the packages is compiled against, so that it runs on old systems: the C library of
// Debian 11 and the C++ library of its GCC 10, which is linked in. Nothing is installed.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { openArchive } from '../kernels/archive.js'

const packages = [
  ...[
    'libc6',
    'libc6-dev',
    'libcrypt1',
    'libcrypt-dev',
    'libgcc-10-dev',
    'libgcc-s1',
    'libstdc++-10-dev',
  ].map((name) => `${name}/bullseye`),
  // The kernel's headers must know what is newer than Debian 11, and libbpf too.
  ...['linux-libc-dev', 'libbpf-dev', 'libelf-dev', 'zlib1g-dev'].map((name) => `${name}/bookworm`),
]

/**
 * @param folder where it is kept between runs
 * @param architecture Debian's name
 * @returns its root
 */
export function makeSysroot(folder, architecture) {
  const root = join(folder, 'sysroot')
  if (existsSync(root)) return root
  const apt = openArchive(folder, architecture, ['bullseye', 'bookworm'])
  const partial = `${root}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(join(partial, 'debs'), { recursive: true })
  execFileSync('apt-get', [...apt, 'download', '-q', ...packages], {
    cwd: join(partial, 'debs'),
    stdio: ['ignore', 2, 2],
  })
  for (const file of readdirSync(join(partial, 'debs')))
    execFileSync('dpkg-deb', ['-x', join(partial, 'debs', file), partial])
  rmSync(join(partial, 'debs'), { recursive: true })
  relink(partial)
  renameSync(partial, root)
  return root
}

/** Links that begin with / lead out of it. */
function relink(root) {
  for (const name of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!name.isSymbolicLink()) continue
    const path = join(name.parentPath, name.name)
    const target = readlinkSync(path)
    if (!target.startsWith('/')) continue
    rmSync(path)
    symlinkSync(relative(dirname(path), join(root, target)), path)
  }
}
