// npm test: sets up, runs every test (or those named), and ends with "N passed, N failed".
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

if (process.getuid() !== 0) {
  console.error('the tests need root: they make network namespaces and attach real programs there')
  process.exit(1)
}

const folder = mkdtempSync(join(tmpdir(), 'egress-test-'))
const output = join(folder, 'output.tap')
const child = spawn('node_modules/.bin/tap', [`--output-file=${output}`, ...process.argv.slice(2)], {
  stdio: 'inherit',
})
child.on('exit', (code) => {
  const results = readFileSync(output, 'utf8')
  rmSync(folder, { recursive: true })
  // tap's own last words: # { total: 127, pass: 126, fail: 1 }
  const count = (word) => Number(new RegExp(`^# \\{.*\\b${word}: (\\d+).*\\}$`, 'm').exec(results)?.[1] ?? 0)
  const [passed, failed, skipped] = [count('pass'), count('fail'), count('skip') + count('todo')]
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
  const skips = skipped > 0 && process.env.CI === 'true'
  process.exitCode = code === 0 && failed === 0 && passed > 0 && !skips ? 0 : 1
})
