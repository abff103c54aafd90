import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { connect, createServer, type ListenOptions, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import t from 'tap'
import { Connections } from '../../src/web/connections.js'
import { WebConfigFile } from '../../src/web/web-config-file.js'
import { fakeApp, fine } from '../support/app.js'
import { eventually } from '../support/await.js'
import { makeCertificates } from '../support/certificates.js'
import { serveOn } from '../support/listen.js'

type Tap = Pick<typeof t, 'teardown'>

const folder = mkdtempSync(join(tmpdir(), 'egress-connections-'))
t.teardown(() => rmSync(folder, { recursive: true }))

/** Connections to a server, at most three at once. */
async function threeAtMost(t: Tap, where: ListenOptions & { path?: string }) {
  const connections = new Connections(3)
  const server = createServer((socket) => connections.add(socket)).listen(where)
  await once(server, 'listening')
  t.teardown(() => {
    connections.destroyAll()
    server.close()
  })
  const open = async () => {
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const address = server.address() as { port: number } | string
    const client = typeof address === 'string' ? connect(address) : connect(address.port, '127.0.0.1')
    t.teardown(() => client.destroy())
    return { client, socket: (await accepted)[0] }
  }
  return { connections, open }
}

for (const [what, where] of [
  ['TCP', { host: '127.0.0.1', port: 0 }],
  ['a Unix socket', { path: join(folder, 'three') }],
] as const) {
  t.test(`${what}: a newcomer takes the place of the one that was idle longest`, async (t) => {
    const { connections, open } = await threeAtMost(t, where)
    const [first, second, third] = [await open(), await open(), await open()]
    // What was busy once is idle since it was answered.
    connections.isBusy(first.socket)()
    const gone = once(second.client, 'close')
    const fourth = await open()
    await gone
    t.equal(connections.count, 3)
    const alsoGone = once(third.client, 'close')
    const fifth = await open()
    await alsoGone
    const answered = connections.isBusy(fourth.socket)
    const firstGone = once(first.client, 'close')
    const sixth = await open()
    await firstGone
    answered()
    for (const { client } of [fourth, fifth, sixth]) t.notOk(client.destroyed)
  })

  t.test(`${what}: what is busy stays while something is idle, then the oldest request goes`, async (t) => {
    const { connections, open } = await threeAtMost(t, where)
    const [first, second, third] = [await open(), await open(), await open()]
    connections.isBusy(first.socket)
    connections.isBusy(second.socket)
    const idleGone = once(third.client, 'close')
    const fourth = await open()
    await idleGone
    // Two requests at once, of which one is answered.
    connections.isBusy(fourth.socket)()
    connections.isBusy(fourth.socket)
    const oldestGone = once(first.client, 'close')
    const fifth = await open()
    await oldestGone
    t.equal(connections.count, 3)
    for (const { client } of [second, fourth, fifth]) t.notOk(client.destroyed)
  })
}

t.test('many at once, before any has closed', async (t) => {
  const connections = new Connections(3)
  const waiting: Socket[] = []
  const server = createServer((socket) => waiting.push(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const clients = Array.from({ length: 23 }, () => connect(port, '127.0.0.1').resume())
  await eventually(() => assert.equal(waiting.length, 23))
  for (const socket of waiting) connections.add(socket)
  t.equal(connections.count, 3)
  t.same(
    waiting.map((socket) => socket.destroyed),
    waiting.map((_, index) => index < 20),
  )
  connections.destroyAll()
  for (const client of clients) client.destroy()
  server.close()
})

t.test('a thousand that asked once, and more, on sockets of each kind', async (t) => {
  const certificates = makeCertificates(t)
  const path = join(certificates, 'web.yml')
  writeFileSync(path, 'tls_server_config: { cert_file: server.crt, key_file: server.key }')
  const quiet = () => undefined
  const log = { info: quiet, warn: quiet, error: quiet }
  const ca = readFileSync(join(certificates, 'ca.crt'))
  const request = 'GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n'
  const answeredBy = async (socket: Socket) => {
    socket.on('error', quiet)
    t.teardown(() => socket.destroy())
    const answer = Promise.race([once(socket, 'data'), once(socket, 'close')])
    socket.write(request)
    return String((await answer)[0])
  }
  const socketPath = join(folder, 'thousand')
  for (const [what, listen, webConfig, open] of [
    ['TCP', { host: '127.0.0.1', port: 0 }, undefined, (port: number) => connect(port, '127.0.0.1')],
    ['Unix', { path: socketPath }, undefined, () => connect(socketPath)],
    [
      'TLS',
      { host: '127.0.0.1', port: 0 },
      new WebConfigFile(path, log),
      (port: number) => connectTls({ port, host: '127.0.0.1', ca }),
    ],
  ] as const) {
    const { app } = fakeApp(t, fine)
    const server = await serveOn(app, [listen], { webConfig, log })
    const [url = ''] = server.urls
    const port = url.startsWith('unix:') ? 0 : Number(new URL(url).port)
    for (let count = 0; count < 10; count++) {
      const batch = Array.from({ length: 100 }, () => answeredBy(open(port)))
      const answers = await Promise.all(batch)
      t.equal(answers.filter((answer) => answer.startsWith('HTTP/1.1 200')).length, 100, what)
    }
    for (let newcomer = 0; newcomer < 7; newcomer++) {
      t.match(await answeredBy(open(port)), /^HTTP\/1.1 200/, `${what}: a newcomer is answered`)
    }
    if (what === 'TLS') {
      const session = connectHttp2(url, { ca })
      const stream = session.request({ ':path': '/-/healthy' })
      t.equal((await once(stream, 'response'))[0][':status'], 200, 'HTTP/2')
      session.destroy()
    }
    await server.close(0)
  }
})

t.test('requests that come at once are answered in order, one at a time', async (t) => {
  const { app } = fakeApp(t, fine)
  let before: ServerResponse | undefined
  let begunTooSoon = 0
  app.addHook('onRequest', (_request, reply, done) => {
    if (before?.writableFinished === false) begunTooSoon++
    before = reply.raw
    setImmediate(done)
  })
  const server = await serveOn(app, [{ host: '127.0.0.1', port: 0 }])
  t.teardown(() => server.close(0))
  const port = Number(new URL(server.urls[0] ?? '').port)
  const ask = async (count: number) => {
    const client = connect(port, '127.0.0.1')
    const requests = Array.from(
      { length: count },
      (_, number) => `GET /${number} HTTP/1.1\r\nHost: localhost\r\n`,
    )
    client.write([...requests.slice(0, -1), `${requests.at(-1)}Connection: close\r\n`].join('\r\n') + '\r\n')
    return (await text(client).catch(() => '')).split('HTTP/1.1 404').length - 1
  }
  t.equal(await ask(17), 17)
  t.equal(begunTooSoon, 0)
  t.equal(await ask(40), 0, 'nobody wants so many at once')
})

t.test('a thousand that read no answer', async (t) => {
  const { app } = fakeApp(t, fine)
  const large = Buffer.alloc(8 * 2 ** 20)
  let begun = 0
  app.get('/large', (_request, reply) => {
    begun++
    return reply.send(large)
  })
  const server = await serveOn(app, [{ host: '127.0.0.1', port: 0 }])
  t.teardown(() => server.close(0))
  const port = Number(new URL(server.urls[0] ?? '').port)
  const get = (path: string) => {
    const client = connect(port, '127.0.0.1').on('error', () => undefined)
    t.teardown(() => client.destroy())
    client.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    return client
  }
  for (let count = 0; count < 1_000; count++) get('/large').pause()
  await eventually(() => assert.equal(begun, 1_000))
  for (let newcomer = 0; newcomer < 7; newcomer++)
    t.match(String((await once(get('/-/healthy'), 'data'))[0]), /^HTTP\/1.1 200/)
})
