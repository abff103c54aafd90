import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { loadAddon } from '../../src/kernel/native/addon.js'
import { closeListeners, openListeners } from '../../src/web/listeners.js'
import { fakeApp, fine } from '../support/app.js'
import { serveOn } from '../support/listen.js'

const addon = loadAddon()
const folder = mkdtempSync(join(tmpdir(), 'egress-listeners-'))
t.teardown(() => rmSync(folder, { recursive: true }))

/** Leaves a socket as a killed process does. */
async function leaveSocket(path: string) {
  const leave = `require('net').createServer().listen('${path}', () => process.kill(process.pid, 'SIGKILL'))`
  await once(spawn(process.execPath, ['-e', leave]), 'exit')
}

t.test('what a killed process left is replaced, what somebody uses is not', async (t) => {
  const path = join(folder, 'left')
  await leaveSocket(path)
  t.ok(lstatSync(path).isSocket())
  const { app } = fakeApp(t, fine)
  const server = await serveOn(app, [{ path }])
  t.equal(lstatSync(path).mode & 0o777, 0o660)
  await t.rejects(openListeners([{ path }], addon), {
    message: /^cannot listen on unix:.*: another program listens there/,
    exitCode: 1,
  })
  const client = connect(path)
  await once(client, 'connect')
  client.destroy()
  await server.close(0)
  t.notOk(existsSync(path))
})

t.test('nothing but a dead socket is ever removed', async (t) => {
  const path = join(folder, 'occupied')
  const target = join(folder, 'target')
  const cases: [what: string, make: () => unknown, kind: string][] = [
    ['a file', () => writeFileSync(path, 'precious'), 'a file'],
    ['an empty file', () => writeFileSync(path, ''), 'a file'],
    ['a FIFO', () => execFileSync('mkfifo', [path]), 'a named pipe'],
    ['a folder', () => mkdirSync(path), 'a folder'],
    ['a link to a file', () => symlinkSync(target, path), 'a symbolic link'],
    ['a link to nowhere', () => symlinkSync(`${target}-nowhere`, path), 'a symbolic link'],
    ['a link to a device', () => symlinkSync('/dev/null', path), 'a symbolic link'],
  ]
  writeFileSync(target, 'precious')
  for (const [what, make, kind] of cases) {
    make()
    const before = lstatSync(path)
    await t.rejects(
      openListeners([{ path }], addon),
      {
        message: `cannot listen on unix:${path}: ${kind} is there: move it away, or choose another path with --web.listen-address`,
        exitCode: 1,
      },
      what,
    )
    // The addon by itself replaces nothing either.
    t.throws(() => addon.listenUnix(path), { code: 'EADDRINUSE' }, what)
    const { ino, mode, size } = lstatSync(path)
    t.same({ ino, mode, size }, { ino: before.ino, mode: before.mode, size: before.size }, what)
    rmSync(path, { recursive: true })
  }
  t.equal(readFileSync(target, 'utf8'), 'precious')
  await leaveSocket(`${path}-dead`)
  symlinkSync(`${path}-dead`, path)
  await t.rejects(openListeners([{ path }], addon), { message: /a symbolic link is there/ })
  t.ok(existsSync(`${path}-dead`))
})

t.test('a device', async (t) => {
  await t.rejects(openListeners([{ path: '/dev/null' }], addon), { message: /a device is there/ })
})

t.test('what somebody put at the path meanwhile stays', async (t) => {
  const path = join(folder, 'taken')
  for (const end of ['before', 'after'] as const) {
    const listeners = await openListeners([{ path }], addon)
    const { app } = fakeApp(t, fine)
    const server = end === 'after' ? await serveOn(app, [{ path: `${path}-2` }]) : undefined
    const ours = end === 'after' ? `${path}-2` : path
    rmSync(ours)
    writeFileSync(ours, 'precious')
    closeListeners(listeners)
    await server?.close(0)
    t.equal(readFileSync(ours, 'utf8'), 'precious')
    rmSync(ours)
    rmSync(path, { force: true })
  }
  // Its own socket under another name is not at the path.
  const listeners = await openListeners([{ path }], addon)
  renameSync(path, `${path}-moved`)
  closeListeners(listeners)
  t.ok(existsSync(`${path}-moved`))
})

t.test('what cannot be had, in one sentence', async (t) => {
  for (const [address, message] of [
    [{ path: join(folder, 'nowhere/socket') }, 'its folder does not exist'],
    [{ host: '192.0.2.1', port: 1 }, 'this host does not have that address'],
    [{ host: 'name.invalid', port: 1 }, /the name has no address|EAI_AGAIN/],
  ] as const) {
    await t.rejects(openListeners([address], addon), { message, exitCode: 1 })
  }
  await t.rejects(openListeners('systemd', addon), {
    message: /systemd handed no socket over/,
    exitCode: 2,
  })
})

t.test('who connects before there is a server is answered when there is one', async (t) => {
  const path = join(folder, 'early')
  const listeners = await openListeners([{ path }, { host: '127.0.0.1', port: 0 }], addon)
  const client = connect(path)
  t.teardown(() => client.destroy())
  await once(client, 'connect')
  client.write('GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const { serve } = await import('../../src/web/server.js')
  const { app } = fakeApp(t, fine)
  const server = await serve(app, listeners, { webConfig: undefined, log: { error: () => undefined } })
  t.match(String((await once(client, 'data'))[0]), /^HTTP\/1.1 200 /)
  t.match(server.urls, [`unix:${path}`, /^http:\/\/127.0.0.1:\d+$/])
  await server.close(0)
})
