import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { program } from '../support/exporter.js'
import { temporaryFolder } from '../support/memory.js'

/** As a Node.js before 22.14, which has no Node-API 10, says it. */
const older = `data:text/javascript,${encodeURIComponent(
  `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2", napi: "9" } })`,
)}`

/** One that does not know the flags of the first line either. */
const olderNode = `#!/bin/sh
case $1 in -*) echo "node: bad option: $1" >&2; exit 9 ;; esac
exec '${process.execPath}' --import '${older}' "$@"
`

t.test('a Node.js that is too old is refused in one sentence', (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'node'), olderNode, { mode: 0o755 })
  const [node, ...args] = program
  const main = args.at(-1) ?? ''
  const PATH = `${folder}:${process.env.PATH}`
  for (const [command, ...words] of [[node, '--import', older, ...args], ['node', main], [main]] as const) {
    const { status, stdout, stderr } = spawnSync(command, [...words, '--version'], {
      encoding: 'utf8',
      env: { ...process.env, PATH },
    })
    t.equal(status, 1)
    t.equal(stdout, '')
    t.equal(
      stderr,
      'egress-exporter: Node.js 20.20.2 is too old: run it with 22.14 or newer, or by npm start, which brings its own\n',
    )
  }
  t.end()
})

t.test('as a command of its own it has the flags of its first line', (t) => {
  const folder = temporaryFolder(t)
  const [, ...args] = program
  writeFileSync(join(folder, 'node'), '#!/bin/sh\nprintf "%s\\n" "$@"\n', { mode: 0o755 })
  const { stdout } = spawnSync(args.at(-1) ?? '', ['check', 'two words'], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
  })
  t.same(stdout.trimEnd().split('\n'), [...args, 'check', 'two words'])
  t.end()
})
