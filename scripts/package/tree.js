// Lays out what every package installs.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { Buffer } from 'node:buffer'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { program } from '../program.js'
import { readCommandLine } from './command-line.js'
import { bashCompletion, zshCompletion } from './completions.js'
import { configurationFile } from './configuration.js'
import { filesIn } from './files.js'
import { bundledPackages, licenceTexts } from './licences.js'
import { machines } from './machines.js'
import { manualPage } from './manual.js'

const home = 'usr/lib/egress-exporter'
/** What the bundle asks for by name, and what of it runs. */
const modules = {
  'better-sqlite3': /^(lib\/(?!(linux|darwin|win32).*-).*|package\.json)$/,
  bcrypt: /^(bcrypt\.js|promises\.js|package\.json)$/,
  'node-gyp-build': /^(index\.js|node-gyp-build\.js|package\.json)$/,
}

/**
 * @param folder an empty one, which becomes the root
 * @param architecture Debian's name
 * @param built { addon, sqlite, node, version, revision, date }: files of native.js, the folder of Node.js,
 *   and this build's name, commit and day
 * @param places { units, zsh }: where a distribution has them
 */
export async function layOut(folder, architecture, built, { units, zsh }) {
  const machine = machines[architecture]
  const put = (path, content, mode = 0o644) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content, { mode })
  }
  const copy = (from, path, mode) => put(path, readFileSync(from), mode)

  copy(join(built.node, 'bin/node'), `${home}/bin/node`, 0o755)
  copy(built.addon, `${home}/build/Release/egress.node`)
  for (const name of readdirSync('dist').filter((name) => !/\.map$|^revision$/.test(name)))
    put(`${home}/dist/${name}`, bare(readFileSync(join('dist', name))))
  put(`${home}/dist/revision`, `${built.revision}\n`)
  for (const name of ['package.json', 'README.md']) copy(name, `${home}/${name}`)
  for (const name of filesIn('docs').filter((name) => name.endsWith('.md')))
    copy(join('docs', name), `${home}/docs/${name}`)

  for (const [name, wanted] of Object.entries(modules)) {
    const from = join('node_modules', name)
    for (const file of filesIn(from).filter((file) => wanted.test(file)))
      copy(join(from, file), `${home}/node_modules/${name}/${file}`)
  }
  copy(built.sqlite, `${home}/node_modules/better-sqlite3/build/Release/better_sqlite3.node`)
  const bcrypt = `prebuilds/linux-${machine.node}/bcrypt.glibc.node`
  copy(join('node_modules/bcrypt', bcrypt), `${home}/node_modules/bcrypt/${bcrypt}`)
  strip(folder, machine)

  const [, ...flags] = program().slice(0, -1)
  const command = [`/${home}/bin/node`, ...flags, `/${home}/dist/main.js`, '"$@"']
  put('usr/bin/egress-exporter', `#!/bin/sh\nexec ${command.join(' ')}\n`, 0o755)
  copy('deploy/systemd/egress-exporter.service', `${units}/egress-exporter.service`)
  copy('deploy/systemd/egress-exporter.sysusers', 'usr/lib/sysusers.d/egress-exporter.conf')
  const commandLine = await readCommandLine()
  put('etc/egress-exporter.yml', configurationFile(commandLine.settings))
  const page = manualPage(commandLine, built, readFileSync('docs/flags.md', 'utf8'))
  put('usr/share/man/man8/egress-exporter.8.gz', gzip(page))
  put('usr/share/bash-completion/completions/egress-exporter', bashCompletion(commandLine))
  put(`${zsh}/_egress-exporter`, zshCompletion(commandLine))
  for (const name of readdirSync('dashboards/rules'))
    copy(`dashboards/rules/${name}`, `usr/share/egress-exporter/rules/${name}`)
  for (const name of readdirSync('dashboards').filter((name) => name.endsWith('.json')))
    copy(`dashboards/${name}`, `usr/share/egress-exporter/dashboards/${name}`)
  const names = [...bundledPackages('dist'), ...Object.keys(modules)]
  put(`${home}/THIRD-PARTY.txt`, licenceTexts('node_modules', names, built.node))
}

export const gzip = (text) => gzipSync(text, { level: 9 })

/** Its maps stay at home, and /usr/bin/egress-exporter does what its first line does. */
function bare(content) {
  const text = content.toString('latin1')
  return Buffer.from(text.replace(/^#!.*\n/, '').replace(/\n\/\/# sourceMappingURL=.*\n?$/, '\n'), 'latin1')
}

function strip(folder, { triplet }) {
  const files = filesIn(join(folder, home)).filter((file) => /(^|\/)node$|\.node$/.test(file))
  execFileSync(`${triplet}-strip`, ['--strip-unneeded', ...files], { cwd: join(folder, home) })
}
