// npm run test:kernels: runs the kernel program's tests inside distribution kernels, and prints a
// table. With names (5.10, 6.1, 6.12, 7.x, 7.x-rt), those alone. npm run test:arm64: the same inside an
// arm64 kernel, and tests of what else was compiled for arm64.
import { readdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { compileTests } from './compile-tests.js'
import { makeArm64 } from './kernels/arm64.js'
import { boot } from './kernels/boot.js'
import { fetchKernels } from './kernels/packages.js'
import { root } from './root.js'

/** A kernel takes about ten minutes; one that hangs is given up. */
const timeoutMs = 30 * 60_000
/** Of tests that need no kernel, those that run our addon, SQLite or bcrypt. */
const compiledForMachine = [
  ...[
    'cli/destinations',
    'system/cli/lifecycle',
    'kernel/egress-counter',
    'kernel/interfaces',
    'memory/memory',
  ],
  ...['memory/selection', 'native/process', 'native/startup-pages', 'web/listeners', 'web/web-config/access'],
].map((name) => `${name}.test.js`)
/** A million frames take an emulated machine a quarter of an hour. */
const slow = ['system/bpf/fuzz.test.js']
/** It compiles for a minute; elsewhere packets of one processor wait for each other, as on the host. */
const realtime = ['system/bpf/preempted.test.js']

const compiled = join(root, 'build/tests')
const names = process.argv.slice(2)
const arm64 = names.includes('arm64')
await compileTests('build/tests')

const chosen = arm64
  ? [makeArm64(join(root, 'build/arm64'))]
  : fetchKernels(join(root, 'build/kernels'), names)
const waiting = [...chosen]
const results = new Map()
// A guest keeps one processor busy.
await Promise.all(
  cpus().map(async () => {
    for (let kernel = waiting.shift(); kernel; kernel = waiting.shift())
      results.set(kernel, await testOn(kernel))
  }),
)
const rows = chosen.map((kernel) => results.get(kernel))

console.log('| kernel | Debian | attached by | passed | failed | seconds |')
console.log('|---|---|---|---|---|---|')
for (const { release, suite, modes, passed, failed, seconds } of rows) {
  console.log(`| ${release} | ${suite} | ${modes} | ${passed} | ${failed} | ${seconds} |`)
}
const sum = (key) => rows.reduce((all, row) => all + row[key], 0)
console.log(`${sum('passed')} passed, ${sum('failed')} failed`)
process.exitCode = sum('failed') === 0 && sum('passed') > 0 ? 0 : 1

async function testOn(kernel) {
  const start = Date.now()
  console.error(`egress-exporter: testing on ${kernel.release}`)
  const output = await boot(kernel, guestCommand(prepareTests(kernel)), timeoutMs)
  writeFileSync(join(kernel.root, '..', `${kernel.name}.log`), output)
  const result = summary(output)
  if (result.failed !== 0) console.error(output)
  return { ...kernel, ...result, seconds: Math.round((Date.now() - start) / 1000) }
}

/** A file that imports a kernel's tests: they run in one process. */
function prepareTests({ name }) {
  const tests = ['bpf', 'system/bpf'].flatMap((folder) =>
    readdirSync(join(compiled, 'test', folder)).map((file) => `${folder}/${file}`),
  )
  for (const name of ['kernel/continuity', 'kernel/neighbours', 'services/first-senders', 'services/news'])
    tests.push(`system/${name}.test.js`)
  if (arm64) tests.push(...compiledForMachine)
  const left = name.endsWith('-rt') ? slow : [...slow, ...realtime]
  const imports = tests
    .filter((file) => file.endsWith('.test.js') && !left.includes(file))
    .map((file) => `await import('./test/${file}')\n`)
  const file = join(compiled, `${name}.js`)
  writeFileSync(file, imports.join(''))
  return file
}

function guestCommand(tests) {
  return `
export CI=true NODE_COMPILE_CACHE=/run/compiled TAP_TIMEOUT=1700 EGRESS_TEST_ROUNDS=5 EGRESS_TEST_START_MS=5000 PATH=${root}/node_modules/.bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd ${root}
node -p '"modes: " + (require("./build/Release/egress.node").tcxSupported() ? "tcx, clsact" : "clsact")'
node ${tests}
`
}

/** tap's own last words, or a failure where there are none. */
function summary(output) {
  const count = (word) => Number(new RegExp(`^# \\{.*\\b${word}: (\\d+).*\\}$`, 'm').exec(output)?.[1] ?? 0)
  const [passed, failed] = [count('pass'), count('fail')]
  const modes = /modes: (.*)$/m.exec(output)?.[1] ?? '?'
  return { modes, passed, failed: passed + failed === 0 ? 1 : failed }
}
