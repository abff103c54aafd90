import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import t from 'tap'
import { WebConfigFile } from '../../src/web/web-config-file.js'
import { fakeApp, fine } from '../support/app.js'
import { makeCertificates } from '../support/certificates.js'
import { serveOn } from '../support/listen.js'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'egress-site-check-'))
t.teardown(() => rmSync(folder, { recursive: true }))

const paths = ['/metrics', '/', '/api/v1/destinations', '/docs', '/-/healthy', '/nothing']

t.test('a request for another name is refused, and says what allows it', async (t) => {
  const { app, warnings } = fakeApp(t, fine)
  for (const url of paths) {
    const { statusCode, body, headers } = await app.inject({ url, headers: { host: 'evil.example:10191' } })
    t.equal(statusCode, 421, url)
    t.equal(body, 'misdirected request: allow this host name with --web.allowed-hosts\n')
    t.equal(headers['x-content-type-options'], 'nosniff')
  }
  t.same(warnings, [
    [
      { host: 'evil.example:10191', client: '127.0.0.1' },
      'refused requests for a host name that is not allowed: if it is yours, add it to --web.allowed-hosts',
    ],
  ])
  for (const host of ['localhost', '192.0.2.1:10191', '[::1]:10191', hostname()])
    t.equal((await app.inject({ url: '/metrics', headers: { host } })).statusCode, 200, host)
  const { app: allowing } = fakeApp(t, fine, undefined, { allowedHosts: ['monitor.example'] })
  t.equal((await allowing.inject({ url: '/metrics', headers: { host: 'monitor.example' } })).statusCode, 200)
})

t.test('many names cost few lines', async (t) => {
  const { app, warnings } = fakeApp(t, fine)
  for (let number = 0; number < 230; number++)
    await app.inject({ url: '/', headers: { host: `${'a'.repeat(300)}${number}.example` } })
  t.equal(warnings.length, 1, 'of long names only the beginning counts')
  for (let number = 0; number < 230; number++)
    await app.inject({ url: '/', headers: { host: `${number}.example` } })
  t.equal(warnings.length, 5)
})

t.test('pages of other sites are refused', async (t) => {
  const { app } = fakeApp(t, fine)
  const host = '192.0.2.1:10191'
  for (const origin of [
    ...['http://evil.example', 'null', 'http://192.0.2.1', 'http://192.0.2.1:80', 'http://192.0.2.10:10191'],
    ...[
      '',
      'file://',
      'chrome-extension://192.0.2.1:10191',
      `http://evil.example http://${host}`,
      `http://${host}/`,
    ],
  ]) {
    for (const url of paths) {
      const { statusCode, body } = await app.inject({ url, headers: { host, origin } })
      t.equal(statusCode, 403, `${url} ${origin}`)
      t.equal(body, 'forbidden: pages of other sites may not read this one\n')
    }
  }
  for (const origin of [`http://${host}`, `https://${host}`])
    t.equal((await app.inject({ url: '/metrics', headers: { host, origin } })).statusCode, 200, origin)
})

t.test('by the wire', async (t) => {
  const { app } = fakeApp(t, fine)
  const path = join(folder, 'socket')
  const server = await serveOn(app, [{ host: '127.0.0.1', port: 0 }, { path }])
  t.teardown(() => server.close(0))
  const [url = ''] = server.urls
  const port = Number(new URL(url).port)
  const ask = (where: () => ReturnType<typeof connect>, ...lines: string[]) => {
    const socket = where()
    socket.write([...lines, 'Connection: close', '', ''].join('\r\n'))
    return text(socket)
  }
  const tcp = () => connect(port, '127.0.0.1')
  const unix = () => connect(path)
  for (const [what, where, lines, answer] of [
    ['two hosts', tcp, ['/ HTTP/1.1', 'Host: localhost', 'Host: evil.example'], /^HTTP\/1.1 400 /],
    ['two that are the same', tcp, ['/ HTTP/1.1', 'Host: localhost', 'host: localhost'], /^HTTP\/1.1 400 /],
    ['two by a Unix socket', unix, ['/ HTTP/1.1', 'Host: a', 'HOST: a'], /^HTTP\/1.1 400 /],
    ['none', tcp, ['/ HTTP/1.1'], /^HTTP\/1.1 400 /],
    ['an empty one', tcp, ['/ HTTP/1.1', 'Host:'], /^HTTP\/1.1 421 /],
    ['none in HTTP/1.0', tcp, ['/-/healthy HTTP/1.0'], /^HTTP\/1.1 200 /],
    ['another in HTTP/1.0', tcp, ['/-/healthy HTTP/1.0', 'Host: evil.example'], /^HTTP\/1.1 421 /],
    [
      'another by the target',
      tcp,
      ['http://evil.example/-/healthy HTTP/1.1', 'Host: localhost'],
      /^HTTP\/1.1 421 /,
    ],
    [
      'its own by the target',
      tcp,
      ['http://localhost/-/healthy HTTP/1.1', 'Host: evil.example'],
      /^HTTP\/1.1 200 /,
    ],
    ['any by a Unix socket', unix, ['/-/healthy HTTP/1.1', 'Host: evil.example'], /^HTTP\/1.1 200 /],
    ['a page by a Unix socket', unix, ['/ HTTP/1.1', 'Host: a', 'Origin: http://b'], /^HTTP\/1.1 403 /],
  ] as const) {
    t.match(await ask(where, `GET ${lines[0]}`, ...lines.slice(1)), answer, what)
  }
})

t.test('by HTTP/2 and TLS', async (t) => {
  const certificates = makeCertificates(t)
  const file = join(certificates, 'web.yml')
  writeFileSync(file, 'tls_server_config: { cert_file: server.crt, key_file: server.key }')
  const quiet = () => undefined
  const log = { info: quiet, warn: quiet, error: quiet }
  const { app } = fakeApp(t, fine)
  const webConfig = new WebConfigFile(file, log)
  const server = await serveOn(app, [{ host: '127.0.0.1', port: 0 }], { webConfig, log })
  t.teardown(() => server.close(0))
  const [url = ''] = server.urls
  const status = async (...flags: string[]) => {
    const answer = await run('curl', [
      '-sk',
      '-o/dev/null',
      '-w%{http_version} %{http_code}',
      ...flags,
      `${url}/metrics`,
    ])
    return answer.stdout
  }
  for (const version of ['1.1', '2']) {
    const by = `--http${version}`
    t.equal(await status(by), `${version} 200`)
    t.equal(await status(by, '-HHost: evil.example'), `${version} 421`)
    t.equal(await status(by, '-HOrigin: https://evil.example'), `${version} 403`)
  }
})
