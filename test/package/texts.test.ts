import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { actions } from '../../src/cli/commands/destinations.js'
import { loadSettings } from '../../src/config/load.js'
import { optionNames } from '../../src/config/options.js'
import { temporaryFolder } from '../support/memory.js'
import { parseFlags } from '../support/command-line.js'

const script = (name: string) => import(join(process.cwd(), 'scripts/package', name))
const { readCommandLine } = await script('command-line.js')
const { configurationFile } = await script('configuration.js')
const { bashCompletion } = await script('completions.js')
const { manualPage } = await script('manual.js')
const commandLine = await readCommandLine()

t.test('the configuration file has every setting, and what it says of defaults is so', async (t) => {
  const folder = temporaryFolder(t)
  const load = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return loadSettings(parseFlags([`--config.file=${join(folder, name)}`]))
  }
  const text: string = configurationFile(commandLine.settings)
  for (const name of optionNames) t.ok(text.includes(`\n#${name}: `), name)
  const asInstalled = await load('installed.yml', text)
  t.equal(asInstalled.interfaceMissing, 'wait')
  t.equal(asInstalled.pinPath, '/sys/fs/bpf/egress-exporter')
  // What the package sets goes, and all comments that are settings count.
  const lines = text.split('\n').filter((line) => !/^[a-z]/.test(line))
  const uncommented = lines.map((line) => line.replace(/^#([a-z])/, '$1')).join('\n')
  t.same(await load('defaults.yml', uncommented), await loadSettings(parseFlags([])))
})

t.test('the manual page has every flag, signal and exit code', (t) => {
  const about = { version: '1.2.3', date: '2026-01-02' }
  const page: string = manualPage(commandLine, about, readFileSync('docs/flags.md', 'utf8'))
  for (const { options } of commandLine.commands)
    for (const { flag } of options) t.ok(page.includes(`\n.B ${flag.replaceAll('-', '\\-')}`), flag)
  for (const word of ['SIGHUP', 'SIGUSR1', '77']) t.ok(page.includes(`\n.B ${word}\n`), word)
  t.notMatch(page, /^'|`/m)
  t.end()
})

t.test('bash completes commands, flags and values', (t) => {
  const file = join(temporaryFolder(t), 'completion')
  writeFileSync(file, bashCompletion(commandLine))
  const complete = (...words: string[]) => {
    const array = ['egress-exporter', ...words].map((word) => `'${word}'`).join(' ')
    const ask = `. "$1"; COMP_WORDS=(${array}); COMP_CWORD=${words.length}; _egress_exporter; printf '%s\\n' "\${COMPREPLY[@]}"`
    return execFileSync('bash', ['-euc', ask, 'bash', file], { encoding: 'utf8' })
      .split('\n')
      .filter((word) => word !== '')
  }
  t.same(complete('de'), ['destinations'])
  t.same(complete('--bpf.m'), ['--bpf.mode'])
  t.same(complete('--bpf.mode', '=', 'c'), ['clsact'])
  t.same(complete('--bpf.mode', ''), ['auto', 'tcx', 'clsact'])
  t.same(complete('--bpf.mode', '='), ['auto', 'tcx', 'clsact'])
  t.same(complete('--interface', 'l'), ['lo'])
  t.same(complete('--poll.interval', '=', '5'), [])
  t.same(complete('destinations', 'ac'), ['ack'])
  for (const action of actions) t.ok(complete('destinations', '').includes(action), action)
  t.same(complete('cleanup', '--'), ['--dry-run', '--help'])
  t.end()
})
