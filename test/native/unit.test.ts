import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { temporaryFolder } from '../support/memory.js'

/** What asks nothing of the kernel; scripts/test-sanitizers.js has the same. */
const pure = [
  ...[
    'address_text',
    'answer_cache',
    'dns_answer',
    'dns_packet',
    'errno_name',
    'exposition',
    'query',
    'siblings',
  ],
].map((name) => `native/${name}.cc`)
const folder = 'test/native/unit'

t.test('the C++ that needs no kernel, case by case', (t) => {
  const program = join(temporaryFolder(t), 'unit')
  const cases = readdirSync(folder)
    .filter((file) => file.endsWith('.cc'))
    .map((file) => join(folder, file))
  execFileSync('g++', ['-std=gnu++20', '-Wall', '-Wextra', '-Werror', ...cases, ...pure, '-o', program])
  const said = execFileSync(program, { encoding: 'utf8' })
  t.match(said, /test cases: +(\d+) \| +\1 passed \| 0 failed \| 0 skipped/)
  t.end()
})
