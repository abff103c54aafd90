import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { fakeApp, fine } from '../../support/app.js'
import { exporterCommand } from '../../support/exporter.js'
import { serveOn } from '../../support/listen.js'
import { silentPair } from '../../support/network.js'

const folder = mkdtempSync(join(tmpdir(), 'egress-server-'))
t.teardown(() => rmSync(folder, { recursive: true }))

const healthy = (...target: string[]) =>
  new Promise<string>((resolve) => {
    const child = spawn('curl', ['-s', ...target], { stdio: ['ignore', 'pipe', 'ignore'] })
    let text = ''
    child.stdout.on('data', (chunk) => (text += chunk))
    child.once('close', () => resolve(text))
  })

t.test('several addresses at once: IPv4, IPv6 and a Unix socket', async (t) => {
  const { app } = fakeApp(t, fine)
  const path = join(folder, 'socket')
  const listen = [{ host: '127.0.0.1', port: 0 }, { host: '::1', port: 0 }, { path }]
  const server = await serveOn(app, listen)
  const [v4 = '', v6 = '', unix] = server.urls
  t.match(v4, /^http:\/\/127.0.0.1:\d+$/)
  t.match(v6, /^http:\/\/\[::1\]:\d+$/)
  t.equal(unix, `unix:${path}`)
  t.equal(statSync(path).mode & 0o777, 0o660)
  t.equal(await healthy(`${v4}/-/healthy`), 'healthy\n')
  t.equal(await healthy(`${v6}/-/healthy`), 'healthy\n')
  t.equal(await healthy('--unix-socket', path, 'http://host/-/healthy'), 'healthy\n')
  await server.close(1_000)
  t.notOk(existsSync(path))
  t.equal(await healthy(`${v4}/-/healthy`), '')
})

t.test('an address that cannot be had lets go of the others', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as { port: number }
  const path = join(folder, 'first')
  const { app } = fakeApp(t, fine)
  const listen = [{ path }, { host: '127.0.0.1', port }]
  await t.rejects(serveOn(app, listen), {
    message: /another program listens there/,
  })
  t.notOk(existsSync(path))
})

/** Hands a listening socket over as systemd does, sd_listen_fds(3), to the command that follows. */
const activate = `
import os, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execvp(sys.argv[1], sys.argv[1:])
`

t.test('sockets of systemd', async (t) => {
  const host = silentPair(t, 'veth0')
  const command = [...exporterCommand('--interface=veth0', '--web.systemd-socket')]
  const [file, args] = host.command('python3', '-c', activate, ...command)
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = once(child, 'exit')
  t.teardown(() => child.kill() && ended)
  const [port] = (await once(child.stdout, 'data')) as [Buffer]
  // The socket takes connections before there is an exporter.
  t.match(
    host.run(['curl', '-s', `http://127.0.0.1:${String(port).trim()}/metrics`]),
    'egress_scrape_success 1',
  )
})

t.test('a scrape over a connection that was kept open ends in order with the server', async (t) => {
  const { app } = fakeApp(t, fine)
  const server = await serveOn(app, [{ host: '127.0.0.1', port: 0 }])
  const { hostname, port } = new URL(server.urls[0] ?? '')
  const client = connect(Number(port), hostname)
  client.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await once(client, 'data')
  const ended = once(client.resume(), 'end')
  await server.close(60_000)
  await ended
  t.equal(execFileSync('ss', ['-Htn', `sport = :${port}`], { encoding: 'utf8' }).includes('ESTAB'), false)
})
