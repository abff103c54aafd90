// npm test: sets up, runs every test (or those named), and ends with "N passed, N failed".
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setup } from './setup.js'

setup({ test: true })

const folder = mkdtempSync(join(tmpdir(), 'egress-test-'))
const output = join(folder, 'output.tap')
const child = spawn('node_modules/.bin/tap', [`--output-file=${output}`, ...process.argv.slice(2)], {
  stdio: 'inherit',
})
child.on('exit', (code) => {
  const results = readFileSync(output, 'utf8').split('\n')
  rmSync(folder, { recursive: true })
  // Assertions are the lines that hold no others: a subtest's own line ends with "{" or comes after
  // its indented ones, and repeats what they said.
  const counted = countAssertions(results)
  console.log(`${counted.passed} passed, ${counted.failed} failed`)
  process.exitCode = code === 0 && counted.failed === 0 && counted.passed > 0 ? 0 : 1
})
