// npm test: sets up, runs every test (or those in the files and folders named), and ends with
// "N passed, N failed". npm run test:unit: the tests that need neither root nor a kernel.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { compileTests } from './compile-tests.js'
import { runTestFile } from './test-file.js'

const unitOnly = process.argv[2] === '--unit'
const named = process.argv.slice(unitOnly ? 3 : 2)

const files = chosenFiles()
removeOldRuns()
const folder = `build/tests-${process.pid}`
await compileTests(folder)
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))

const timesFile = 'build/test-seconds.json'
const seconds = readTimes()
// The longest first, so that all processors end at about the same time.
const expected = (file) => seconds[file] ?? 1e6
const waiting = files.toSorted((a, b) => expected(b) - expected(a))
const sums = { passed: 0, skipped: 0, failed: 0 }
// One more than there are processors: half of their time tests wait.
await Promise.all(Array.from({ length: availableParallelism() + 1 }, runWaiting))
writeFileSync(timesFile, JSON.stringify(seconds))
const { passed, failed, skipped } = sums
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
const skips = skipped > 0 && process.env.CI === 'true'
process.exitCode = failed === 0 && passed > 0 && !skips ? 0 : 1

async function runWaiting() {
  for (let file = waiting.shift(); file; file = waiting.shift()) {
    const result = await runTestFile(join(folder, file.replace(/ts$/, 'js')), { system: isSystem(file) })
    report(file, result)
  }
}

function report(file, { passed, skipped, failures, errors, seconds: took }) {
  sums.passed += passed
  sums.skipped += skipped
  sums.failed += failures.length
  seconds[file] = took
  const verdict = failures.length > 0 ? 'FAILED' : 'ok    '
  console.log(`${verdict} ${file} (${passed} passed, ${took.toFixed(1)} s)`)
  for (const { name, diagnostics } of failures)
    console.log(indent(`${name}\n${indent(explain(diagnostics))}`))
  if (failures.length > 0 && errors !== '') console.log(indent(`standard error:\n${indent(errors)}`))
}

function indent(text) {
  return text.trimEnd().replace(/^/gm, '  ')
}

function explain(diagnostics) {
  return Object.entries(diagnostics)
    .filter(([key]) => key !== 'source')
    .map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('\n')
}

function chosenFiles() {
  const all = readdirSync('test', { recursive: true })
    .map((file) => join('test', file))
    .filter((file) => file.endsWith('.test.ts'))
  const chosen = all
    .filter((file) => named.length === 0 || named.some((name) => isIn(file, name)))
    .filter((file) => !unitOnly || !isSystem(file))
  const unknown = named.filter((name) => !all.some((file) => isIn(file, name)))
  if (unknown.length > 0) stop(`no test is called ${unknown.join(' or ')}: name files or folders below test/`)
  if (process.getuid() !== 0 && chosen.some(isSystem)) {
    stop('these tests make network namespaces and attach programs: run as root, or npm run test:unit')
  }
  return chosen
}

function isIn(file, name) {
  return `${file}/`.startsWith(join(name, '/'))
}

/** Whether a test makes network namespaces, mounts or programs, which takes root. */
function isSystem(file) {
  return file.startsWith('test/system/')
}

function stop(message) {
  console.error(`egress-exporter: ${message}`)
  process.exit(2)
}

/** A run that was killed has left its folder. */
function removeOldRuns() {
  mkdirSync('build', { recursive: true })
  for (const name of readdirSync('build')) {
    const [, pid] = /^tests-(\d+)$/.exec(name) ?? []
    if (pid && !existsSync(`/proc/${pid}`)) rmSync(join('build', name), { recursive: true })
  }
}

function readTimes() {
  return existsSync(timesFile) ? JSON.parse(readFileSync(timesFile, 'utf8')) : {}
}
