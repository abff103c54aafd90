// Fetches distribution kernels.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { openArchive } from './archive.js'

// What is asked for, by the names of the packages that hold kernel and modules.
const wanted = [
  { name: '5.10', suite: 'bullseye', packages: [/^linux-image-5\.10\..*\d-amd64$/] },
  { name: '6.1', suite: 'bookworm', packages: [/^linux-image-6\.1\..*\d-amd64$/] },
  { name: '6.12', suite: 'trixie', packages: [/^linux-image-6\.12\..*[\d]-amd64$/] },
  {
    name: '7.x',
    suite: 'trixie-backports',
    // Split since 7.2: the kernel itself, and its modules.
    packages: [/^linux-binary-7\..*\d-amd64$/, /^linux-modules-7\..*\d-amd64$/],
  },
  {
    name: '7.x-rt',
    suite: 'trixie-backports',
    packages: [/^linux-binary-7\..*-rt-amd64$/, /^linux-modules-7\..*-rt-amd64$/],
  },
]

/**
 * The kernels, unpacked: { name, suite, architecture, release, image, root }, where root holds
 * lib/modules.
 * @param folder where they are kept between runs
 * @param names of those that are wanted; none: all
 */
export function fetchKernels(folder, names) {
  const unknown = names.filter((name) => !wanted.some((kernel) => kernel.name === name))
  if (unknown.length > 0) throw new Error(`no kernel is called ${unknown.join(' or ')}`)
  const apt = openArchive(folder, 'amd64', [...new Set(wanted.map(({ suite }) => suite))])
  const chosen = wanted.filter(({ name }) => names.length === 0 || names.includes(name))
  return chosen.map(({ name, suite, packages }) => ({
    ...fetchKernel(apt, folder, packages),
    ...{ name, suite, architecture: 'amd64' },
  }))
}

/** The newest kernel that packages of these names hold, unpacked: { release, image, root }. */
export function fetchKernel(apt, folder, packages) {
  const found = packages.map((pattern) => newestPackage(apt, pattern))
  const release = found[0].replace(/^linux-(image|binary)-/, '')
  const root = join(folder, release)
  if (!existsSync(root)) unpack(apt, found, root, release)
  const images = [join(root, 'boot', `vmlinuz-${release}`), join(root, 'lib/modules', release, 'vmlinuz')]
  return { release, image: images.find(existsSync), root }
}

function newestPackage(apt, pattern) {
  const all = execFileSync('apt-cache', [...apt, 'pkgnames', 'linux-'], { encoding: 'utf8' }).split('\n')
  const found = all.filter((name) => pattern.test(name) && !name.includes('unsigned'))
  if (found.length === 0) throw new Error(`the archive has no package ${pattern}`)
  return found.sort(new Intl.Collator('en', { numeric: true }).compare).at(-1)
}

function unpack(apt, names, root, release) {
  const partial = `${root}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true })
  for (const name of names) {
    execFileSync('apt-get', [...apt, 'download', '-q', name], { cwd: partial, stdio: ['ignore', 2, 2] })
  }
  for (const file of readdirSync(partial).filter((file) => file.endsWith('.deb'))) {
    execFileSync('dpkg-deb', ['-x', file, '.'], { cwd: partial })
    rmSync(join(partial, file))
  }
  // Newer packages put modules below /usr.
  if (existsSync(join(partial, 'usr/lib/modules'))) {
    mkdirSync(join(partial, 'lib'), { recursive: true })
    renameSync(join(partial, 'usr/lib/modules'), join(partial, 'lib/modules'))
  }
  execFileSync('/sbin/depmod', ['-b', partial, release])
  renameSync(partial, root)
}
