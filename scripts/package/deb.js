// Makes a package for Debian, Ubuntu and the like.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { filesIn, settle } from './files.js'
import { gzip, layOut } from './tree.js'

const places = { units: 'lib/systemd/system', zsh: 'usr/share/zsh/vendor-completions' }
const doc = 'usr/share/doc/egress-exporter'

/**
 * @param folder where the package is made
 * @param architecture Debian's name
 * @param built see layOut(); seconds: the time of all files
 * @returns the package's file, and the folder that it installs
 */
export async function makeDeb(folder, architecture, built) {
  const tree = join(folder, 'deb')
  rmSync(tree, { recursive: true, force: true })
  await layOut(tree, architecture, built, places)
  mkdirSync(join(tree, doc), { recursive: true })
  copyFileSync('deploy/debian/copyright', join(tree, doc, 'copyright'))
  writeFileSync(join(tree, doc, 'changelog.gz'), gzip(changelog(built)))
  writeFileSync(join(tree, doc, 'NEWS.md.gz'), gzip(readFileSync('CHANGELOG.md')))
  mkdirSync(join(tree, 'usr/share/lintian/overrides'), { recursive: true })
  copyFileSync('deploy/debian/lintian-overrides', join(tree, 'usr/share/lintian/overrides/egress-exporter'))
  writeControl(tree, architecture, built)
  settle(tree, built.seconds)
  const file = join(folder, `egress-exporter_${built.version}_${architecture}.deb`)
  // The same threads everywhere: what xz makes depends on whether there are several.
  const options = ['--root-owner-group', '-Zxz', '-z9', '--threads-max=2']
  execFileSync('dpkg-deb', [...options, '--build', tree, file], {
    stdio: ['ignore', 2, 2],
    env: { ...process.env, SOURCE_DATE_EPOCH: String(built.seconds) },
  })
  execFileSync('lintian', ['--fail-on=error', file], { stdio: ['ignore', 2, 2] })
  return { file, tree }
}

function writeControl(tree, architecture, { version }) {
  const files = filesIn(tree)
  const kibibytes = files.reduce((sum, file) => sum + Math.ceil(statSync(join(tree, file)).size / 1024), 0)
  const sums = files
    .filter((file) => !file.startsWith('etc/'))
    .map(
      (file) =>
        `${createHash('md5')
          .update(readFileSync(join(tree, file)))
          .digest('hex')}  ${file}\n`,
    )
  const control = readFileSync('deploy/debian/control', 'utf8')
    .replace('@version@', version)
    .replace('@architecture@', architecture)
    .replace('@size@', kibibytes)
  const parts = { control, md5sums: sums.join(''), conffiles: '/etc/egress-exporter.yml\n' }
  mkdirSync(join(tree, 'DEBIAN'))
  for (const [name, text] of Object.entries(parts)) {
    writeFileSync(join(tree, 'DEBIAN', name), text)
  }
  for (const name of ['postinst', 'prerm', 'postrm']) {
    copyFileSync(join('deploy/debian', name), join(tree, 'DEBIAN', name))
  }
}

function changelog({ version, seconds }) {
  const day = new Date(seconds * 1000).toUTCString().replace('GMT', '+0000')
  const [maintainer] = /(?<=^Maintainer: ).*/m.exec(readFileSync('deploy/debian/control', 'utf8'))
  return `egress-exporter (${version}) stable; urgency=medium

  * Built from the sources; NEWS.md.gz says what changed.

 -- ${maintainer}  ${day}
`
}
