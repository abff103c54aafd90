// Makes a package for RHEL, Fedora, SUSE and the like.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { settle } from './files.js'
import { machines } from './machines.js'
import { layOut } from './tree.js'

const places = { units: 'usr/lib/systemd/system', zsh: 'usr/share/zsh/site-functions' }

/**
 * @param folder where the package is made
 * @param architecture Debian's name
 * @param built see layOut(); seconds: the time of all files
 * @returns the package's file, and the folder that it installs
 */
export async function makeRpm(folder, architecture, built) {
  const [tree, work] = ['rpm', 'rpmbuild'].map((name) => join(folder, name))
  for (const path of [tree, work]) rmSync(path, { recursive: true, force: true })
  await layOut(tree, architecture, built, places)
  for (const [from, to] of [
    ['CHANGELOG.md', 'doc'],
    ['LICENSE', 'licenses'],
    ['LICENSES/GPL-2.0-only.txt', 'licenses'],
  ]) {
    const target = join(tree, 'usr/share', to, 'egress-exporter')
    mkdirSync(target, { recursive: true })
    copyFileSync(from, join(target, from.split('/').at(-1)))
  }
  settle(tree, built.seconds)
  mkdirSync(work)
  const spec = join(work, 'egress-exporter.spec')
  writeFileSync(spec, specification(tree, built))
  const machine = machines[architecture].rpm
  const definitions = [
    `_topdir ${work}`,
    // Nothing of this machine and this moment.
    '_buildhost localhost',
    'use_source_date_epoch_as_buildtime 1',
    'clamp_mtime_to_source_date_epoch 1',
  ]
  execFileSync(
    'rpmbuild',
    [
      '-bb',
      '--quiet',
      `--target=${machine}-linux`,
      ...definitions.flatMap((text) => ['--define', text]),
      spec,
    ],
    { stdio: ['ignore', 2, 2], env: { ...process.env, SOURCE_DATE_EPOCH: String(built.seconds) } },
  )
  const name = `egress-exporter-${built.version}-1.${machine}.rpm`
  const file = join(folder, name)
  renameSync(join(work, 'RPMS', machine, name), file)
  execFileSync('rpmlint', ['--config', 'deploy/rpm/rpmlint.toml', file], { stdio: ['ignore', 2, 2] })
  return { file, tree }
}

function specification(tree, { version, seconds }) {
  // Such as "Sat Nov 28 2026".
  const [weekday, day, month, year] = new Date(seconds * 1000).toUTCString().replace(',', '').split(' ')
  return readFileSync('deploy/rpm/egress-exporter.spec', 'utf8')
    .replaceAll('@version@', version)
    .replace('@tree@', tree)
    .replace('@day@', `${weekday} ${month} ${day} ${year}`)
}
