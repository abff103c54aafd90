// Runs one compiled test file, and tells what passed and what failed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { Parser } from 'tap-parser'

/** A file that takes longer hangs: the slowest takes a minute. */
const limitSeconds = 900

/** Root's files, but none of root's rights: a test that needs one is a system test. */
const unprivileged = ['setpriv', '--bounding-set=-all', '--inh-caps=-all', '--no-new-privs']

/**
 * @param {{ system: boolean }} options whether it needs privileges
 * @returns how much passed and was skipped, what failed and why, what it wrote to standard error,
 * and how many seconds it took
 */
export async function runTestFile(file, { system }) {
  const root = process.getuid() === 0
  const command = [
    ...(root ? ['scripts/isolate.sh'] : ['setpriv', '--pdeathsig', 'KILL']),
    ...(root && !system ? unprivileged : []),
    ...[process.execPath, '--enable-source-maps', file],
  ]
  // Files and not pipes: a process that outlives the test cannot hold them open.
  const outputs = [`${file}.out`, `${file}.err`]
  const descriptors = outputs.map((output) => openSync(output, 'w'))
  const start = performance.now()
  const child = spawn(command[0], command.slice(1), {
    stdio: ['ignore', ...descriptors],
    env: { ...process.env, TAP: '1', TAP_TIMEOUT: String(limitSeconds) },
  })
  descriptors.forEach((descriptor) => closeSync(descriptor))
  // tap's own limit comes first, and says which test hangs.
  const timer = setTimeout(() => child.kill('SIGKILL'), (limitSeconds + 60) * 1000)
  const [code, signal] = await once(child, 'exit')
  clearTimeout(timer)
  const seconds = (performance.now() - start) / 1000
  const [results, errors] = outputs.map((output) => readFileSync(output, 'utf8'))
  const { passed, skipped, failures } = parse(results)
  const fail = (name) => failures.push({ name, diagnostics: {} })
  if (failures.length === 0 && code !== 0) fail(`ended with ${signal ?? `code ${code}`}`)
  if (failures.length === 0 && passed + skipped === 0) fail('tests nothing')
  return { passed, skipped, failures, errors, seconds }
}

function parse(results) {
  let [passed, skipped] = [0, 0]
  const failures = []
  const parser = new Parser()
  parser.on('pass', () => passed++)
  parser.on('skip', () => skipped++)
  parser.on('todo', () => skipped++)
  parser.on('fail', ({ fullname, diag }) => failures.push({ name: fullname, diagnostics: diag ?? {} }))
  parser.end(results)
  return { passed, skipped, failures }
}
