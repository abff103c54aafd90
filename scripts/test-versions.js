// npm run test:versions: what starts, serves, remembers and stops, by each major version of Node.js that
// serves (the oldest of them first), and the sentence that older ones get.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

const pinned = process.versions.node
const versions = ['22.14.0', pinned, '26.12.1']
const tooOld = ['18.20.8', '20.20.2']
const tests = ['test/system/cli/lifecycle.test.ts', 'test/cli/destinations.test.ts', 'test/memory']

const folder = mkdtempSync(join(tmpdir(), 'egress-versions-'))
const sums = { passed: 0, failed: 0 }
try {
  for (const version of versions) report(version, test(version))
  for (const version of tooOld) report(version, refuse(version))
} finally {
  rmSync(folder, { recursive: true })
}
console.log(`${sums.passed} passed, ${sums.failed} failed`)
process.exitCode = sums.failed === 0 ? 0 : 1

function report(version, { passed, failed, output }) {
  if (failed > 0) console.log(output)
  console.log(`Node.js ${version}: ${passed} passed, ${failed} failed`)
  sums.passed += passed
  sums.failed += failed
}

/** @returns the folder of a Node.js that npm brings */
function install(version) {
  const prefix = join(folder, version)
  const options = ['--no-save', '--no-audit', '--no-fund', '--loglevel=error']
  run('npm', ['install', `--prefix=${prefix}`, ...options, `node-linux-${process.arch}@${version}`])
  return join(prefix, 'node_modules/.bin')
}

function test(version) {
  const bin = install(version)
  const PATH = [bin, process.env.PATH].join(delimiter)
  const { stdout } = run('node', ['scripts/test.js', ...tests], { env: { ...process.env, PATH } })
  const [, passed, failed] = /^(\d+) passed, (\d+) failed/m.exec(stdout.split('\n').slice(-2)[0]) ?? [0, 0, 1]
  return { passed: Number(passed), failed: Number(failed), output: stdout }
}

function refuse(version) {
  const env = { ...process.env, PATH: [install(version), process.env.PATH].join(delimiter) }
  const commands = [
    ['node', 'dist/main.js', '--version'],
    ['dist/main.js', 'check'],
  ]
  const results = commands.map(([command, ...args]) => run(command, args, { env }))
  const isRefused = ({ status, stdout, stderr }) =>
    status === 1 && stdout === '' && /^egress-exporter: .* is too old: .*\n$/.test(stderr)
  const passed = results.filter(isRefused).length
  const output = results.map(({ status, stdout, stderr }) => `exit code ${status}: ${stdout}${stderr}`)
  return { passed, failed: results.length - passed, output: output.join('') }
}

function run(command, args, options) {
  return spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], ...options })
}
