import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { eventually } from '../../support/await.js'
import { exporterCommand, program, startExporter } from '../../support/exporter.js'
import { silentPair } from '../../support/network.js'

const folder = mkdtempSync(join(tmpdir(), 'egress-signals-'))
t.teardown(() => rmSync(folder, { recursive: true }))

/** Whether the exporter runs in a process, and listens to a signal: SigCgt of proc(5). */
function listens(pid: number, number: number): boolean {
  // Before it is executed, the process is a copy of this one.
  const [node = ''] = program
  if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith(`${node}\0${program[1]}\0`)) return false
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const [, caught = '0'] = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status) ?? []
  return ((BigInt(`0x${caught}`) >> BigInt(number - 1)) & 1n) === 1n
}

const numbers = { SIGHUP: 1, SIGUSR1: 10, SIGUSR2: 12 } as const

t.test('from the first instruction on, what would end it or open a debugger does neither', async (t) => {
  const host = silentPair(t, 'veth0')
  const logFile = join(folder, 'log')
  for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) {
    const descriptor = openSync(logFile, 'w')
    const [file, args] = host.command(...exporterCommand('--interface=veth0'))
    const child = spawn(file, args, { stdio: ['ignore', 'ignore', descriptor] })
    closeSync(descriptor)
    t.teardown(() => child.kill())
    const { pid = 0 } = child
    await eventually(() => assert.ok(listens(pid, numbers[signal])))
    // Again and again, while it loads, attaches and begins to serve.
    const log = () => readFileSync(logFile, 'utf8')
    let sent = 0
    while (!log().includes('serving metrics')) {
      assert.equal(child.exitCode ?? child.signalCode, null)
      child.kill(signal)
      sent++
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    t.ok(sent > 1, `${signal}: ${sent} of them`)
    if (signal === 'SIGHUP') await eventually(() => assert.match(log(), /there is no --config.file to read/))
    t.notMatch(log(), /[Dd]ebugger/)
    await end(child, 'SIGTERM')
    t.equal(child.exitCode, 0, signal)
  }
})

t.test('SIGUSR1 opens the audit log anew', async (t) => {
  const host = silentPair(t, 'veth0')
  const file = join(folder, 'audit.log')
  const exporter = await startExporter(t, host, '--interface=veth0', `--audit.file=${file}`)
  host.traffic('spray-frames veth0 3')
  const events = (path: string) => readFileSync(path, 'utf8').split('\n').length - 1
  await eventually(() => {
    exporter.get()
    assert.equal(events(file), 3)
  })
  renameSync(file, `${file}.old`)
  exporter.child.kill('SIGUSR1')
  await eventually(() => assert.equal(events(file), 0))
  host.traffic('spray-frames veth0 8')
  await eventually(() => {
    exporter.get()
    assert.equal(events(file), 5)
  })
  t.equal(events(`${file}.old`), 3)
  t.notMatch(host.run(['ss', '-Htln']), /:9229\s/, 'no debugger listens')
  t.equal(await exporter.stop(), 0)
})

t.test('a terminal that closes ends other commands', async (t) => {
  // Asked, and never answering.
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as { port: number }
  const [node, ...args] = program
  const child = spawn(node, [...args, 'top', `--url=http://127.0.0.1:${port}`], { stdio: 'ignore' })
  t.teardown(() => child.kill('SIGKILL'))
  await once(server, 'connection')
  await end(child, 'SIGHUP')
  t.equal(child.signalCode, 'SIGHUP')
})

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const ended = once(child, 'exit')
  child.kill(signal)
  await ended
}
