import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { closeSync, cpSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { eventually } from '../support/await.js'
import { temporaryFolder } from '../support/memory.js'
import { silentPair } from '../support/network.js'

/** The same folder, where nothing can be written. */
function readOnly(t: { teardown(action: () => unknown): void }, folder: string): string {
  const path = temporaryFolder(t)
  execFileSync('mount', ['--bind', folder, path])
  t.teardown(() => execFileSync('umount', ['--lazy', path]))
  execFileSync('mount', ['-o', 'remount,bind,ro', path])
  return path
}

t.test('a built tree that cannot be written starts and serves', async (t) => {
  const tree = readOnly(t, process.cwd())
  t.throws(() => closeSync(openSync(join(tree, 'build/written'), 'w')), { code: 'EROFS' })
  const host = silentPair(t, 'veth0')
  const logFile = join(temporaryFolder(t), 'log')
  const descriptor = openSync(logFile, 'w')
  const flags = ['--interface=veth0', '--web.listen-address=127.0.0.1:0', '--storage.path=']
  const [file, args] = host.command('npm', 'start', '--', ...flags)
  const child = spawn(file, args, { cwd: tree, stdio: ['ignore', 'ignore', descriptor] })
  closeSync(descriptor)
  t.teardown(() => child.kill())
  const url = await eventually(() => {
    assert.equal(child.exitCode, null, readFileSync(logFile, 'utf8'))
    const [, found] = /msg="serving metrics" url="?([^"\s]*)/.exec(readFileSync(logFile, 'utf8')) ?? []
    assert.ok(found, readFileSync(logFile, 'utf8'))
    return found
  })
  t.match(
    host.run(['curl', '--silent', '--fail', url]),
    /^egress_interface_packets_total\{interface="veth0"\} 0$/m,
  )
  t.match(
    readFileSync(logFile, 'utf8'),
    /^time=\S+ level=info msg="egress-exporter starts"/,
    'nothing is built',
  )
})

t.test('one that is not built is refused in one sentence', (t) => {
  const folder = temporaryFolder(t)
  for (const name of ['scripts', 'package.json', 'package-lock.json'])
    cpSync(name, join(folder, name), { recursive: true })
  const { status, stdout, stderr } = spawnSync('sh', ['scripts/setup.sh'], {
    cwd: readOnly(t, folder),
    encoding: 'utf8',
  })
  t.equal(status, 1)
  t.equal(stdout, '')
  t.match(
    stderr,
    /^egress-exporter: cannot set up in \/\S+ \(EROFS\): run it as the owner of that folder, or in a copy of your own\n$/,
  )
  t.end()
})
