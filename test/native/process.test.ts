import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { loadAddon } from '../../src/kernel/native/addon.js'

const addon = loadAddon()
const folder = mkdtempSync(join(tmpdir(), 'egress-process-'))
t.teardown(() => rmSync(folder, { recursive: true }))

/** A program that has the addon, and is ready once it says so. */
function withAddon(program: string, stderr: 'ignore' | number = 'ignore') {
  const prelude = `const addon = require(${JSON.stringify(join(process.cwd(), 'build/Release/egress.node'))});`
  const child = spawn(process.execPath, ['-e', prelude + program], { stdio: ['ignore', 'pipe', stderr] })
  return {
    child,
    ready: once(child.stdout as NonNullable<typeof child.stdout>, 'data'),
    ended: once(child, 'exit'),
  }
}

t.test('a pipe takes what it has room for, and nobody waits', async (t) => {
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  // One end for both: a writer that waits would wait for ever.
  const pipe = openSync(path, 'r+')
  t.teardown(() => closeSync(pipe))
  const line = Buffer.from(`${'x'.repeat(996)}\n`)
  let taken = 0
  for (let last = line.length; last > 0;) {
    last = addon.writeNow(pipe, line.subarray(taken % line.length))
    taken += last
  }
  t.ok(taken >= 60_000 && taken <= 65_536, `${taken} bytes`)
  t.equal(addon.writeNow(pipe, line), 0)
  const drained = Buffer.alloc(taken)
  let read = 0
  while (read < taken) read += readSync(pipe, drained, read, taken - read, null)
  const expected = line.toString().repeat(taken / line.length + 1)
  t.ok(drained.equals(Buffer.from(expected.slice(0, taken))))
  const long = Buffer.alloc(100_003, 'y')
  t.ok(addon.writeNow(pipe, long) <= 65_536, 'a longer one than it holds')
})

t.test('a file takes all of it, and errors are told', async (t) => {
  const path = join(folder, 'file')
  const file = openSync(path, 'w')
  t.equal(addon.writeNow(file, Buffer.alloc(100_003, 'z')), 100_003)
  t.equal(addon.writeNow(file, Buffer.alloc(0)), 0)
  closeSync(file)
  t.equal(readFileSync(path, 'utf8'), 'z'.repeat(100_003))
  const full = openSync('/dev/full', 'w')
  t.throws(() => addon.writeNow(full, Buffer.from('x')), { code: 'ENOSPC', operation: 'write' })
  closeSync(full)
  t.throws(() => addon.writeNow(1_000_003, Buffer.from('x')), { code: 'EBADF' })
})

const heir = "console.log(require('node:child_process').spawn('sleep', ['1000'], { stdio: 'inherit' }).pid)"

/** The process that keeps another one from a folder's lock. */
function tryLock(path: string): string {
  const program = `try { addon.lockFolder(${JSON.stringify(path)}, 'storage') } catch (e) { console.log(e.detail) }`
  const script = `const addon = require(${JSON.stringify(join(process.cwd(), 'build/Release/egress.node'))}); ${program}`
  return execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }).trim()
}

t.test('a folder has one lock, which goes with its process', async (t) => {
  const path = join(folder, 'locked')
  execFileSync('mkdir', [path])
  // What it starts does not have it.
  const holds = `addon.lockFolder(${JSON.stringify(path)}, 'storage'); ${heir}; setInterval(() => 0, 1e6)`
  const lock = () => addon.lockFolder(path, 'storage')
  const heldBy = (pid = 0) => ({
    code: 'EBUSY',
    operation: 'lock storage',
    object: path,
    detail: String(pid),
  })
  const holder = withAddon(holds)
  t.teardown(() => holder.child.kill('SIGKILL'))
  const [heirId] = await holder.ready
  t.teardown(() => process.kill(Number(heirId), 'SIGKILL'))
  t.throws(lock, heldBy(holder.child.pid))
  holder.child.kill('SIGKILL')
  await holder.ended
  lock()
  lock() // It is done.
  t.equal(tryLock(path), String(process.pid))

  // Another folder in its place has no lock.
  renameSync(path, `${path}-before`)
  execFileSync('mkdir', [path])
  const second = withAddon(holds)
  t.teardown(() => second.child.kill('SIGKILL'))
  const [secondHeirId] = await second.ready
  t.teardown(() => process.kill(Number(secondHeirId), 'SIGKILL'))
  t.throws(lock, heldBy(second.child.pid))
  second.child.kill('SIGKILL')
  await second.ended
  lock()
  t.equal(tryLock(path), String(process.pid))
  t.throws(() => addon.lockFolder(`${path}/nowhere`, 'storage'), {
    code: 'ENOENT',
    operation: 'open storage',
  })
  t.same(execFileSync('ls', ['-A', path], { encoding: 'utf8' }), '')
})

const hangs = `
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => console.log(signal))
addon.setStopDeadline(SECONDS)
console.log('ready')
`
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  t.test(`${signal}: the process ends though its event loop hangs`, async (t) => {
    const logFile = join(folder, 'hang')
    const log = openSync(logFile, 'w')
    const { child, ready, ended } = withAddon(
      `${hangs.replace('SECONDS', '1')}; setImmediate(() => { for (;;); })`,
      log,
    )
    closeSync(log)
    await ready
    child.kill(signal)
    t.same(await ended, [1, null])
    t.match(readFileSync(logFile, 'utf8'), /^egress-exporter: the stop hangs: .*\n$/)
  })
}

t.test('a second signal ends it at once, one that comes with the first does not', async (t) => {
  const { child, ready, ended } = withAddon(`${hangs.replace('SECONDS', '1000')}; setInterval(() => 0, 1e6)`)
  await ready
  const heard: string[] = []
  child.stdout?.on('data', (data) => heard.push(...String(data).trim().split('\n')))
  child.kill('SIGINT')
  child.kill('SIGINT')
  child.kill('SIGTERM')
  await new Promise((resolve) => setTimeout(resolve, 600))
  t.equal(child.exitCode, null)
  t.ok(heard.includes('SIGINT') && heard.includes('SIGTERM'), 'the event loop hears them')
  child.kill('SIGTERM')
  t.same(await ended, [1, null])
})

t.test('a stderr that nobody reads does not hold the end up', async (t) => {
  const path = join(folder, 'full')
  execFileSync('mkfifo', [path])
  const pipe = openSync(path, 'r+')
  t.teardown(() => closeSync(pipe))
  while (addon.writeNow(pipe, Buffer.alloc(4096)) > 0);
  const { child, ready, ended } = withAddon(
    `${hangs.replace('SECONDS', '1')}; setImmediate(() => { for (;;); })`,
    pipe,
  )
  await ready
  child.kill('SIGTERM')
  t.same(await ended, [1, null])
})

t.test('with all done it ends with its code, by the deadline that comes first', async (t) => {
  const ready = `${hangs}; process.on('exit', () => { for (;;); })`
  const cases: [string, (child: ChildProcess) => void, number][] = [
    ['addon.setEndDeadline(1, 23); process.exit()', () => undefined, 23],
    [
      'process.on("SIGTERM", () => { addon.setEndDeadline(1000, 23); process.exit() }); setInterval(() => 0, 1e6)',
      (child) => child.kill(),
      23,
    ],
  ]
  for (const [program, act, code] of cases) {
    const { child, ready: isReady, ended } = withAddon(`${ready.replace('SECONDS', '1')}; ${program}`)
    await isReady
    act(child)
    t.same(await ended, [code, null])
  }
})

t.test('an end that waits for no thread', async (t) => {
  const program = `const addon = require('./build/Release/egress.node')
    const { Worker } = require('node:worker_threads')
    new Worker('for (;;);', { eval: true })
    setTimeout(() => addon.exitNow(23), 100)`
  t.equal(spawnSync(process.execPath, ['-e', program]).status, 23)
})
