// The Debian archive that this machine's own apt uses, for any suite and architecture, without touching
// apt's set-up: sources, lists and cache are folders of our own.
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** @returns options with which apt-get and apt-cache see these suites alone, and nothing installed */
export function openArchive(folder, architecture, suites) {
  for (const part of ['lists/partial', 'cache/archives/partial']) {
    mkdirSync(join(folder, part), { recursive: true })
  }
  const sources = join(folder, 'sources.list')
  const mirror = findMirror()
  writeFileSync(sources, suites.map((suite) => `deb ${mirror} ${suite} main\n`).join(''))
  const apt = [
    `-oDir::Etc::SourceList=${sources}`,
    '-oDir::Etc::SourceParts=/dev/null',
    `-oDir::State::Lists=${join(folder, 'lists')}`,
    '-oDir::State::Status=/dev/null',
    `-oDir::Cache=${join(folder, 'cache')}`,
    `-oAPT::Architecture=${architecture}`,
    `-oAPT::Architectures=${architecture}`,
    '-oAcquire::Languages=none',
    '-oAPT::Sandbox::User=root',
  ]
  execFileSync('apt-get', [...apt, 'update', '-q'], { stdio: ['ignore', 2, 2] })
  return apt
}

/** That of the machine's own Debian packages; its name stays in the folder. */
export function findMirror() {
  const format = '$(REPO_URI) $(COMPONENT) $(ORIGIN)'
  const targets = execFileSync('apt-get', ['indextargets', '--format', format], { encoding: 'utf8' })
  const debian = targets.split('\n').find((line) => /\/debian\/? main /.test(line))
  if (!debian) throw new Error('apt knows no Debian archive: what the guests need comes from one')
  return debian.split(' ')[0]
}
