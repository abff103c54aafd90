// npm run test:sanitizers: the native code, without Node, under AddressSanitizer,
// UndefinedBehaviorSanitizer and LeakSanitizer: its unit tests, and all of it in a namespace.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { unitSources } from './unit-sources.js'

const folder = 'build/sanitizers'
mkdirSync(folder, { recursive: true })
const flags = ['-std=gnu++20', '-g', '-O1', '-fno-omit-frame-pointer', '-Wall', '-Wextra']
// Those of unsigned overflow and the like are no errors in C++; all that are end the program.
const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all']
const include = ['-Ibuild/Release/obj/gen']
console.error('egress-exporter: compiling the native code with sanitizers (about a minute)')
// All but what speaks to Node.
const cycles = compile(
  'cycles',
  [
    'test/sanitizers/cycles.cc',
    ...sourcesIn('native').filter((file) => file !== 'native/static_archives.cc'),
  ],
  ['-lbpf', '-lelf', '-lz'],
)
const unit = compile('unit', unitSources())
const runs = [[unit], ['sh', 'scripts/isolate.sh', cycles, '/sys/fs/bpf/egress']]
const passed = runs.filter(run).length
console.log(`${passed} passed, ${runs.length - passed} failed`)
process.exitCode = passed === runs.length ? 0 : 1

function sourcesIn(place) {
  return readdirSync(place)
    .filter((file) => file.endsWith('.cc'))
    .map((file) => `${place}/${file}`)
}

function compile(name, sources, libraries = []) {
  const program = `${folder}/${name}`
  execFileSync('g++', [...flags, ...sanitizers, ...include, ...sources, '-o', program, ...libraries], {
    stdio: 'inherit',
  })
  return program
}

function run([command, ...args]) {
  const { status } = spawnSync(command, args, {
    stdio: 'inherit',
    env: {
      ...process.env,
      ASAN_OPTIONS: 'detect_leaks=1:abort_on_error=0',
      UBSAN_OPTIONS: 'print_stacktrace=1',
    },
  })
  return status === 0
}
