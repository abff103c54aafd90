import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { hostNames } from '../../src/web/host-names.js'

const folder = mkdtempSync(join(tmpdir(), 'egress-host-names-'))
t.teardown(() => rmSync(folder, { recursive: true }))
const table = join(folder, 'hosts')
writeFileSync(
  table,
  `# web1 comment.example
127.0.0.1 localhost
127.0.1.1\tWeb1.example.org  web1 # web1.comment.example
::1 ip6-loopback web10
0.0.0.0 tracker.example
192.0.2.7 db1.example.org db1`,
)

t.test('the host name, without its domain, and what stands beside it in the table of hosts', async (t) => {
  const names = (name: string, file = table) => [...hostNames(name, file)].sort()
  t.same(names('web1'), ['web1', 'web1.example.org'])
  t.same(names('WEB1'), ['web1', 'web1.example.org'])
  t.same(names('db1.example.org'), ['db1', 'db1.example.org'])
  t.same(names('web2.example.org'), ['web2', 'web2.example.org'])
  t.same(names('web1', join(folder, 'none')), ['web1'])
  t.same(names(''), [])
})

t.test("this host's", async (t) => {
  t.ok(hostNames().has(hostname().toLowerCase()))
})
