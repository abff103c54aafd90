import t from 'tap'
import { contentTypes } from '../../src/exposition/format.js'
import { createSelfMetrics } from '../../src/exposition/self-metrics.js'
import { createApp } from '../../src/web/app.js'

const place = { kind: '', bus: 'pci', master: '', lower: '' }
const interfaces = [
  { ifindex: 2, name: 'eth0', linkType: 'ether', ethernet: true, place, mode: 'tcx' },
] as const

function setUp(t: Tap, read: () => Promise<{ render(openMetrics: boolean): AsyncGenerator<Uint8Array> }>) {
  const errors: unknown[] = []
  const app = createApp({
    counter: { read },
    selfMetrics: createSelfMetrics({
      libbpfVersion: '1.1',
      destinationsLimit: 23,
      interfaces: () => interfaces,
      table: () => ({ expired: 5, evicted: 7, full: true }),
      configReload: () => ({ successful: false, successSeconds: 11 }),
    }),
    log: { error: (...args: unknown[]) => errors.push(args) },
    telemetryPath: '/metrics',
  })
  t.teardown(() => app.close())
  return { app, errors }
}

const fine = async () => ({
  async *render(openMetrics: boolean) {
    yield Buffer.from(`# kernel, ${openMetrics}\n`)
    yield Buffer.from('# second chunk\n')
  },
})
type Tap = Pick<typeof t, 'teardown'>

t.test('text 0.0.4 by default', async (t) => {
  const { app } = setUp(t, fine)
  const { statusCode, headers, body } = await app.inject('/metrics')
  t.equal(statusCode, 200)
  t.equal(headers['content-type'], contentTypes.text)
  t.match(body, /^# kernel, false\n# second chunk\n# HELP egress_scrape_duration_seconds/)
  t.match(body, /^egress_scrape_success 1$/m)
  t.match(body, /^egress_destinations_limit 23$/m)
  t.match(body, /^egress_destinations_full 1$/m)
  t.match(body, /^egress_destinations_retired_total\{cause="idle"\} 5$/m)
  t.match(body, /^egress_destinations_retired_total\{cause="room"\} 7$/m)
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
  const { app } = setUp(t, fine)
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
  const { app, errors } = setUp(t, async () => {
    throw new Error('secret: /proc/kcore')
  })
  const { statusCode, body } = await app.inject('/metrics')
  t.equal(statusCode, 200)
  t.match(body, /^egress_scrape_success 0$/m)
  t.match(body, /^egress_interface_attached/m)
  t.notMatch(body, 'secret')
  t.equal(errors.length, 1)
})

t.test('the other pages', async (t) => {
  const { app } = setUp(t, fine)
  t.match(await app.inject('/-/healthy'), { statusCode: 200, body: 'healthy\n' })
  t.match(await app.inject('/-/ready'), { statusCode: 200, body: 'ready\n' })
  const landing = await app.inject('/')
  t.match(landing.body, '<a href="/metrics">Metrics</a>')
  t.match(landing.headers, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'",
  })
  t.match(await app.inject({ method: 'HEAD', url: '/metrics' }), { statusCode: 200, body: '' })
})

t.test('nothing else', async (t) => {
  const { app } = setUp(t, fine)
  t.match(await app.inject('/nothing<script>'), { statusCode: 404, body: 'not found\n' })
  t.match(await app.inject({ method: 'POST', url: '/metrics', payload: { a: 1 } }), {
    statusCode: 405,
    headers: { allow: 'GET, HEAD' },
    body: 'method not allowed\n',
  })
  t.match(await app.inject('/%zz'), { statusCode: 400, body: 'bad request\n' })
})
