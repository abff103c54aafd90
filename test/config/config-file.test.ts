import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadSettings } from '../../src/config/load.js'
import { ExitCode } from '../../src/errors.js'
import { parseFlags } from '../support/command-line.js'

const folder = t.testdir()
const path = join(folder, 'egress.yml')
function load(text: string, ...argv: string[]) {
  writeFileSync(path, text)
  return loadSettings(parseFlags([`--config.file=${path}`, ...argv]))
}

t.test('good files', async (t) => {
  const unchanged = await loadSettings(parseFlags([]))
  t.same(await load(''), unchanged, 'an empty file changes nothing')
  t.same(await load('# nothing but words\n'), unchanged)
  const found = await load(`
interface: [eth0, 'wg*']
interface.exclude: wg9
destinations.exclude: [private, 192.0.2.0/24]
destinations.include:
  - 10.1.0.0/16
destinations.limit: 100000
destinations.idle-timeout: 7d
destinations.replies: aggregate
bpf.mode: clsact
web.listen-address: '[::1]:9999'
log.level: debug
`)
  t.match(found, {
    interfaces: ['eth0', 'wg*'],
    interfacesExclude: ['wg9'],
    destinationsLimit: 100000,
    idleTimeoutMs: 7 * 86_400_000,
    aggregateReplies: true,
    bpfMode: 'clsact',
    listen: [{ host: '::1', port: 9999 }],
    log: { level: 'debug', format: 'logfmt' },
  })
  t.equal(found.prefixRules.filter(({ action }) => action === 'exclude').length, 6)
  t.equal(found.prefixRules.filter(({ action }) => action === 'include').length, 1)
})

t.test('a flag is stronger than the file', async (t) => {
  const text = 'destinations.limit: 1000\ninterface: [eth0]\nlog.level: debug\n'
  const found = await load(text, '--destinations.limit=2000', '--interface=eth1')
  t.match(found, { destinationsLimit: 2000, interfaces: ['eth1'], log: { level: 'debug' } })
})

const bad: [what: string, text: string, message: string][] = [
  [
    'an unknown key',
    'log.level: info\ndestinations.limits: 5\n',
    "2:1: there is no option 'destinations.limits'",
  ],
  ['a dash too many', '--log.level: info\n', "1:1: there is no option '--log.level': write log.level"],
  [
    'the nested form',
    'log.level: info\ndestinations:\n  limit: 5\n',
    "2:1: there is no option 'destinations': write destinations.exclude, destinations.include, destinations.limit …, in one word",
  ],
  ['a word that is no choice', 'bpf.mode: xdp\n', '1:11: bpf.mode: write one of auto, tcx, clsact'],
  ['a list for one value', 'destinations.limit: [1, 2]\n', '1:21: destinations.limit: write one value'],
  ['a map for a list', 'interface: { a: b }\n', '1:12: interface: write a value or a list of values'],
  ['nothing for one value', 'destinations.limit:\n', '1:20: destinations.limit: write one value'],
  ['a list within a list', 'interface: [[eth0]]\n', '1:12: interface: write a value or a list of values'],
  [
    'a value out of range',
    '\n\ndestinations.limit: 0\n',
    "3:1: destinations.limit: '0' is not a whole number from 1 to 16777216",
  ],
  [
    'a malformed prefix',
    'destinations.exclude: [private, 10.0.0.1/8]\n',
    "1:1: destinations.exclude: '10.0.0.1/8' has bits set after its prefix: write 10.0.0.0/8",
  ],
  [
    'something after a long list',
    `destinations.exclude:\n${'  - 192.0.2.0/24\n'.repeat(1000)}log.level: loud\n`,
    '1002:12: log.level: write one of debug, info, warn, error',
  ],
  [
    'a malformed prefix in a list',
    'log.level: info\ndestinations.exclude:\n  - 192.0.2.0/24\n  - 192.0.2.1/24\n',
    "2:1: destinations.exclude: '192.0.2.1/24' has bits set after its prefix: write 192.0.2.0/24",
  ],
  ['a key twice', 'log.level: info\nlog.level: warn\n', '2:1: Map keys must be unique'],
  ['a list instead of options', '- eth0\n', '1:1: it must hold options, such as destinations.limit: 65536'],
  ['a word instead of options', 'eth0\n', '1:1: it must hold options, such as destinations.limit: 65536'],
  [
    'no YAML',
    'interface: [eth0\n',
    '2:1: Flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
]
t.test('bad files', async (t) => {
  for (const [what, text, message] of bad) {
    await t.rejects(load(text), { message: `${path}:${message}`, exitCode: ExitCode.usage }, what)
  }
})

t.test('an absent file', async (t) => {
  await t.rejects(loadSettings(parseFlags([`--config.file=${folder}/absent.yml`])), {
    message: `--config.file: cannot read ${folder}/absent.yml: ENOENT`,
    exitCode: ExitCode.usage,
  })
})
