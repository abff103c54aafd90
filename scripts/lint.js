// npm run lint: formatter and linter, without changing anything.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'

const native = ['bpf', 'native', 'native/node', 'bench/kernel', 'bench/memory', 'test/sanitizers'].flatMap(
  (folder) =>
    readdirSync(folder)
      .filter((name) => /\.(c|cc|h)$/.test(name))
      .map((name) => `${folder}/${name}`),
)
const checks = [
  ['node_modules/.bin/prettier', ['--check', '.']],
  ['node_modules/.bin/eslint', ['--max-warnings=0', '.']],
  ['node_modules/.bin/knip', ['--include=files,exports,types,dependencies,unlisted']],
  ['node_modules/.bin/tsc', ['--noEmit', '-p', 'test']],
  [process.execPath, ['scripts/docs.js', '--check']],
  ['clang-format', ['--dry-run', '-Werror', ...native]],
]
for (const [command, args] of checks) {
  const { status } = spawnSync(command, args, { stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
