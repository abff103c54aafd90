// npm run lint: formatters and linters, without changing anything. npm run format (--fix): changes what
// they can mend.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

const fix = process.argv.includes('--fix')
const folders = ['bpf', 'native', 'native/node', 'bench/kernel', 'bench/memory']
const testFolders = ['test/native/unit', 'test/sanitizers', 'test/support']
const native = [...folders, ...testFolders].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => /\.(c|cc|h)$/.test(name))
    .map((name) => `${folder}/${name}`),
)
// All C is in one style and all C++ in another, wherever it lies.
const isCxx = (file) => /\.cc$|^(native|test\/native)\//.test(file)
const clangFormat = fix ? ['-i'] : ['--dry-run', '-Werror']
const cxxStyle = '--style=file:native/.clang-format'
const formatters = [
  ['node_modules/.bin/prettier', [...(fix ? ['--write', '--log-level', 'warn'] : ['--check']), '.']],
  ['node_modules/.bin/eslint', ['--max-warnings=0', ...(fix ? ['--fix'] : []), '.']],
  ['clang-format', [...clangFormat, ...native.filter((file) => !isCxx(file))]],
  ['clang-format', [...clangFormat, cxxStyle, ...native.filter(isCxx)]],
]
const linters = [
  ['node_modules/.bin/knip', ['--include=files,exports,types,dependencies,unlisted']],
  ['node_modules/.bin/tsc', ['--noEmit', '-p', 'test']],
  [process.execPath, ['scripts/docs.js', '--check']],
]
for (const [command, args] of fix ? formatters : [...formatters, ...linters]) {
  const { status } = spawnSync(command, args, { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
