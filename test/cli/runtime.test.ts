import { spawnSync } from 'node:child_process'
import t from 'tap'
import { program } from '../support/exporter.js'

/** As a Node.js before 22.14, which has no Node-API 10, says it. */
const older = `data:text/javascript,
  Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2', napi: '9' } })`

t.test('a Node.js that is too old is refused in one sentence', (t) => {
  const [node, ...args] = program
  const { status, stdout, stderr } = spawnSync(node, ['--import', older, ...args, '--version'], {
    encoding: 'utf8',
  })
  t.equal(status, 1)
  t.equal(stdout, '')
  t.equal(
    stderr,
    'egress-exporter: Node.js 20.20.2 is too old: run it with 22.14 or newer, or by npm start, which brings its own\n',
  )
  t.end()
})
