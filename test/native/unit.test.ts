import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { temporaryFolder } from '../support/memory.js'

const { unitSources } = await import(join(process.cwd(), 'scripts/unit-sources.js'))

t.test('the C++ that needs no kernel, case by case', (t) => {
  const program = join(temporaryFolder(t), 'unit')
  execFileSync('g++', ['-std=gnu++20', '-Wall', '-Wextra', '-Werror', ...unitSources(), '-o', program])
  const said = execFileSync(program, { encoding: 'utf8' })
  t.match(said, /test cases: +(\d+) \| +\1 passed \| 0 failed \| 0 skipped/)
  t.end()
})
