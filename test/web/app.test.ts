import { randomBytes } from 'node:crypto'
import { createServer, get, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import { mock } from 'node:test'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { contentTypes } from '../../src/exposition/format.js'
import type { PagePart } from '../../src/exposition/page.js'
import type { Chunk } from '../../src/kernel/egress-counter.js'
import { sendPage } from '../../src/web/send-page.js'
import { fakeApp, fine } from '../support/app.js'

t.test('text 0.0.4 by default', async (t) => {
  const { app } = fakeApp(t, fine)
  const { statusCode, headers, body } = await app.inject('/metrics')
  t.equal(statusCode, 200)
  t.equal(headers['content-type'], contentTypes.text)
  t.match(body, /^# kernel, false\n# second chunk\n# HELP egress_scrape_duration_seconds/)
  t.match(body, /^egress_scrape_success 1$/m)
  t.match(body, /^egress_destinations_limit 23$/m)
  t.match(body, /^egress_destinations_full 1$/m)
  t.match(body, /^egress_destinations_retired_total\{cause="idle"\} 5$/m)
  t.match(body, /^egress_destinations_retired_total\{cause="room"\} 7$/m)
  t.match(body, /^egress_program_runs_total 31$/m)
  t.match(body, /^egress_baseline_end_timestamp_seconds 5$/m)
  t.match(body, /^egress_new_destinations_total\{interface="eth0"\} 0$/m)
  t.match(body, /^egress_new_destinations_total\{interface="eth1"\} 37$/m)
  t.match(body, /^egress_unacknowledged_destinations 41$/m)
  t.match(body, /^egress_storage_degraded 1$/m)
  t.match(body, /^egress_networks_files_failed 59$/m)
  t.match(
    body,
    /^egress_destination_info\{interface="eth0",destination="192.0.2.1",protocol="tcp",port="443",service="nginx.service",status="new"\} 1$/m,
  )
  t.match(body, /^egress_program_run_seconds_total 0.5$/m)
  t.match(body, /^egress_config_last_reload_successful 0$/m)
  t.match(body, /^egress_config_last_reload_success_timestamp_seconds 11$/m)
  t.match(body, /^egress_interface_attached\{interface="eth0"\} 1$/m)
  t.match(
    body,
    /^egress_interface_info\{interface="eth0",ifindex="2",mode="tcx",link_type="ether",kind="",bus="pci",master="",lower=""\} 1$/m,
  )
  t.match(
    body,
    /^egress_exporter_build_info\{version="[^"]+",revision="[^"]+",nodeversion="v\d+[^"]*",libbpfversion="1.1"\} 1$/m,
  )
  t.match(body, /^process_cpu_seconds_total /m)
  t.notMatch(body, '# EOF')
})

t.test('OpenMetrics when asked, and neither format spoils the other', async (t) => {
  const { app } = fakeApp(t, fine)
  const openMetrics = { url: '/metrics', headers: { accept: 'application/openmetrics-text;version=1.0.0' } }
  for (let round = 0; round < 2; round++) {
    const { headers, body } = await app.inject(openMetrics)
    t.equal(headers['content-type'], contentTypes.openMetrics)
    t.match(body, /^# kernel, true\n/)
    t.match(body, /^# TYPE process_cpu_seconds counter$/m)
    t.match(body, /^process_cpu_seconds_total /m)
    t.ok(body.endsWith('\n# EOF\n'))
    const text = (await app.inject('/metrics')).body
    t.match(text, /^# TYPE process_cpu_seconds_total counter$/m)
    t.match(text, /^process_cpu_seconds_total /m)
  }
})

t.test('a kernel that cannot be read leaves the rest of the page, and says so', async (t) => {
  const { app, errors } = fakeApp(t, async () => {
    throw new Error('secret: /proc/kcore')
  })
  const { statusCode, body } = await app.inject('/metrics')
  t.equal(statusCode, 200)
  t.match(body, /^egress_scrape_success 0$/m)
  t.match(body, /^egress_interface_attached/m)
  t.notMatch(body, 'secret')
  t.equal(errors.length, 1)
})

async function* broken(): AsyncGenerator<Chunk> {
  yield await Promise.resolve({ bytes: Buffer.from('# kernel\n'), last: false })
  throw new Error('no more')
}

t.test('so does one that can be read no further', async (t) => {
  const { app, errors } = fakeApp(t, async () => ({ chunks: broken() }))
  const { body } = await app.inject('/metrics')
  t.match(body, /^# kernel\n/)
  t.match(body, /^egress_scrape_success 0$/m)
  t.match(body, /^egress_interface_attached/m)
  t.equal(errors.length, 1)
})

t.test(
  'zero first is for scrapers, for as long as the slowest needs; people see what was counted',
  async (t) => {
    const asked: unknown[] = []
    const { app } = fakeApp(t, async (view) => {
      asked.push(view.zeroForMs)
      return await fine(view)
    })
    const scrape = (timeout: string) =>
      app.inject({ url: '/metrics', headers: { 'x-prometheus-scrape-timeout-seconds': timeout } })
    const people = await app.inject('/metrics')
    t.notMatch(people.body, 'egress_zero_first_seconds')
    const first = await scrape('80')
    t.match(first.body, /^egress_zero_first_seconds 121$/m)
    // What makes no sense says nothing.
    for (const timeout of ['', '-7', 'soon', 'Infinity']) await scrape(timeout)
    t.same(asked, [undefined, 121_000, 121_000, 121_000, 121_000, 451_000])
  },
)

t.test('the other pages', async (t) => {
  const { app } = fakeApp(t, fine)
  t.match(await app.inject('/-/healthy'), { statusCode: 200, body: 'healthy\n' })
  t.match(await app.inject('/-/ready'), { statusCode: 200, body: 'ready\n' })
  const docs = await app.inject('/docs')
  t.equal(docs.headers['content-type'], 'text/plain; charset=utf-8')
  t.match(docs.body, /^# egress-exporter\n/)
  // Where its links and those of the alerts lead.
  const links = [...docs.body.matchAll(/\]\((docs\/[\w/-]+\.md)/g)].map(([, link]) => `/${link}`)
  for (const link of ['/docs/runbooks/EgressOverflow.md', ...links])
    t.match(await app.inject(link), { statusCode: 200, body: /^# / }, link)
  for (const path of [
    '/docs/',
    '/docs/none.md',
    '/docs/..%2fREADME.md',
    '/docs/..%2fpackage.json',
    '/docs/images/page.png',
    '/docs/api.schema.json',
  ])
    t.equal((await app.inject(path)).statusCode, 404, path)
  const landing = await app.inject('/')
  t.match(landing.body, '<a href="docs">Documentation</a>')
  t.match(landing.body, '<a href="./metrics">Metrics</a>')
  t.match(landing.headers, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'",
  })
  t.match(await app.inject({ method: 'HEAD', url: '/metrics' }), { statusCode: 200, body: '' })
})

t.test('nothing else', async (t) => {
  const { app } = fakeApp(t, fine)
  t.match(await app.inject('/nothing<script>'), { statusCode: 404, body: 'not found\n' })
  t.match(await app.inject({ method: 'POST', url: '/metrics', payload: { a: 1 } }), {
    statusCode: 405,
    headers: { allow: 'GET, HEAD' },
    body: 'method not allowed\n',
  })
  t.match(await app.inject('/%zz'), { statusCode: 400, body: 'bad request\n' })
})

t.test('gzip when asked for', async (t) => {
  const { app } = fakeApp(t, fine)
  const { headers, rawPayload } = await app.inject({
    url: '/metrics',
    headers: { 'accept-encoding': 'br;q=1, gzip;q=0.5' },
  })
  t.equal(headers['content-encoding'], 'gzip')
  t.equal(headers.vary, 'accept, accept-encoding')
  t.match(gunzipSync(rawPayload).toString(), /^# kernel, false\n# second chunk\n/)
  const refused = await app.inject({ url: '/metrics', headers: { 'accept-encoding': 'gzip;q=0, identity' } })
  t.equal(refused.headers['content-encoding'], undefined)
  const head = await app.inject({ method: 'HEAD', url: '/metrics' })
  t.equal(head.headers['content-type'], contentTypes.text)
  t.equal(head.body, '')
})

for (const gzip of [false, true]) {
  t.test(
    `a reader that goes ends the page${gzip ? ', compressed' : ''}, one that waits makes it wait`,
    async (t) => {
      let asked = 0
      const ended = new Promise<void>((resolve) => {
        async function* endless() {
          try {
            // Random, so that it stays large when it is compressed.
            for (; ; asked++) yield { bytes: randomBytes(1_000_000), last: false }
          } finally {
            resolve()
          }
        }
        const { app } = fakeApp(t, async () => ({ chunks: endless() }))
        void app.listen({ port: 0, host: '127.0.0.1' }).then(() => {
          const { port } = app.server.address() as AddressInfo
          const headers = gzip ? { 'accept-encoding': 'gzip' } : {}
          const request = get({ port, path: '/metrics', headers }, (response) => {
            response.once('data', () => {
              response.pause()
              void standsStill(() => asked).then(() => request.destroy())
            })
          }).on('error', () => undefined)
        })
      })
      await ended
      t.ok(asked < 100, `${asked} chunks were asked for`)
    },
  )
}

t.test('more scrapes at once than allowed are told so, and others after them are served', async (t) => {
  let go: () => void = () => undefined
  const gate = new Promise<void>((resolve) => (go = resolve))
  const { app } = fakeApp(t, fine, () => gate)
  const slow = [app.inject('/metrics'), app.inject('/metrics')]
  await new Promise((resolve) => setImmediate(resolve))
  const refused = await app.inject({ url: '/metrics', headers: { 'accept-encoding': 'gzip' } })
  t.equal(refused.statusCode, 503)
  t.equal(refused.body, 'too many requests at once (--web.max-requests)\n')
  t.equal((await app.inject('/-/healthy')).statusCode, 200)
  go()
  for (const { statusCode } of await Promise.all(slow)) t.equal(statusCode, 200)
  t.equal((await app.inject('/metrics')).statusCode, 200)
})

t.test('a reader that takes nothing is let go', async (t) => {
  await new Promise<void>((resolve) => {
    const server = createServer((_request, response) => {
      async function* endless(): AsyncGenerator<PagePart, void> {
        for (;;) yield await Promise.resolve({ pieces: [randomBytes(1_000_000)], last: false })
      }
      void sendPage(response, endless(), false, 100).then(() => {
        t.ok(response.destroyed)
        resolve()
      })
    })
    t.teardown(() => server.close())
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      const request = get({ port }, (response) => response.pause()).on('error', () => undefined)
      t.teardown(() => request.destroy())
    })
  })
})

t.test('a reader has time for a large part', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  // Takes nothing, and is there.
  const response = new Writable({ write() {} }) as ServerResponse
  async function* large(): AsyncGenerator<PagePart, void> {
    yield await Promise.resolve({ pieces: [Buffer.alloc(3_000_000)], last: true })
  }
  const sent = sendPage(response, large(), false, 100)
  await new Promise((resolve) => setImmediate(resolve))
  mock.timers.tick(299)
  await new Promise((resolve) => setImmediate(resolve))
  t.notOk(response.destroyed)
  mock.timers.tick(1)
  await sent
  t.ok(response.destroyed)
})

t.test('every answer has the security headers; a body is refused', async (t) => {
  const { app } = fakeApp(t, fine)
  for (const url of ['/', '/metrics', '/-/healthy', '/nowhere']) {
    const { headers } = await app.inject(url)
    t.match(headers, {
      'content-security-policy': /^default-src 'none'/,
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'deny',
      'cache-control': 'no-store',
    })
  }
  const { statusCode } = await app.inject({ method: 'GET', url: '/metrics', payload: 'body' })
  t.equal(statusCode, 413)
})

/** Resolves when a number has been the same for ten looks in a row. */
async function standsStill(value: () => number): Promise<void> {
  let last = value()
  for (let same = 0; same < 10; same++) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    if (value() !== last) same = 0
    last = value()
  }
}
