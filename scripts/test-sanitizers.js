// npm run test:sanitizers: the native code, without Node, under AddressSanitizer,
// UndefinedBehaviorSanitizer and LeakSanitizer.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'

const folder = 'build/sanitizers'
mkdirSync(folder, { recursive: true })
// All but what speaks to Node.
const sources = readdirSync('native').filter((file) => file.endsWith('.cc') && file !== 'static_archives.cc')
const flags = ['-std=gnu++20', '-g', '-O1', '-fno-omit-frame-pointer', '-Wall', '-Wextra']
// Those of unsigned overflow and the like are no errors in C++; all that are end the program.
const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all']
const include = ['-Ibuild/Release/obj/gen']
const program = `${folder}/cycles`
console.error('egress-exporter: compiling the native code with sanitizers (about half a minute)')
execFileSync(
  'g++',
  [
    ...flags,
    ...sanitizers,
    ...include,
    'test/sanitizers/cycles.cc',
    ...sources.map((file) => `native/${file}`),
    ...['-o', program, '-lbpf', '-lelf', '-lz'],
  ],
  { stdio: 'inherit' },
)
const { status } = spawnSync('sh', ['scripts/isolate.sh', program, '/sys/fs/bpf/egress'], {
  stdio: 'inherit',
  env: {
    ...process.env,
    ASAN_OPTIONS: 'detect_leaks=1:abort_on_error=0',
    UBSAN_OPTIONS: 'print_stacktrace=1',
  },
})
console.log(status === 0 ? '1 passed, 0 failed' : '0 passed, 1 failed')
process.exitCode = status === 0 ? 0 : 1
