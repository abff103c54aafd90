import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { eventually } from '../../support/await.js'
import { startExporterWith } from '../../support/exporter.js'
import { temporaryFolder } from '../../support/memory.js'
import { Namespace } from '../../support/network.js'

/** Prints each datagram as a line of JSON. */
const listener = `
import json, socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1].replace('@', chr(0)))
print(flush=True)
while True:
    print(json.dumps(manager.recv(4096).decode()), flush=True)
`

t.test('a service manager is told when it serves, reloads, lives and stops', async (t) => {
  const abstract = `@egress-test-${process.pid}`
  for (const socket of [join(temporaryFolder(t), 'notify'), abstract]) {
    const host = new Namespace(t, 'manager')
    // Abstract names are the namespace's.
    const [file, args] = host.command('python3', '-c', listener, socket)
    const manager = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => manager.kill())
    let said = ''
    manager.stdout.on('data', (text) => (said += text))
    await once(manager.stdout, 'data')
    const told = () =>
      said
        .split('\n')
        .filter((line) => line !== '')
        .map((line): string => JSON.parse(line))

    const exporter = await startExporterWith(
      t,
      host,
      { env: { NOTIFY_SOCKET: socket, WATCHDOG_USEC: '300000' } },
      '--interface=lo',
    )
    await eventually(() => assert.match(told().join(), /READY=1\nSTATUS=counts, and serves http:\/\//))
    await eventually(() => assert.ok(told().filter((message) => message === 'WATCHDOG=1').length >= 2))
    exporter.child.kill('SIGHUP')
    await eventually(() => {
      const kinds = told().map((message) => message.split('=')[0])
      assert.ok(kinds.indexOf('RELOADING') > kinds.indexOf('READY'))
      assert.ok(kinds.lastIndexOf('READY') > kinds.indexOf('RELOADING'))
    })
    t.equal(await exporter.stop(), 0)
    await eventually(() => assert.ok(told().includes('STOPPING=1')))
  }
})
