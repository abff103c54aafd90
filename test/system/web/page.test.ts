import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import t from 'tap'
import { hangMs } from '../../support/await.js'
import { startBrowser } from '../../support/browser.js'
import { inCgroup, makeUnits } from '../../support/cgroups.js'
import { type RunningExporter, startExporter } from '../../support/exporter.js'
import { type Namespace, silentPair } from '../../support/network.js'
import { send } from '../../support/router.js'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
type Tap = Parameters<typeof silentPair>[0]

/** The page in a tab, with everything that went wrong in it. */
async function openPage(t: Tap, browser: Browser, exporter: RunningExporter, options: object = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  t.teardown(() => context.close())
  context.setDefaultTimeout(hangMs)
  const page = await context.newPage()
  const { origin } = new URL(exporter.url)
  const wrong: string[] = []
  page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()))
  page.on('pageerror', (error) => wrong.push(error.message))
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(origin) && !url.startsWith('data:')) wrong.push(url)
  })
  await page.goto(origin)
  return { page, wrong }
}

const rows = (page: Page) => page.locator('#destinations tbody tr')
const addressesOf = (page: Page) => page.locator('#destinations tbody .address').allTextContents()
/** Waits until the first row is of an address. */
const firstIs = (page: Page, address: string) =>
  page.locator(`#destinations tbody tr:first-child .address:text-is("${address}")`).waitFor()

async function setUp(t: Tap, ...flags: string[]): Promise<[Namespace, RunningExporter, Browser]> {
  const host = silentPair(t, 'veth0')
  host.ip('addr add 192.0.2.1/24 dev veth0')
  for (let last = 2; last < 9; last++) {
    host.ip(`neigh add 192.0.2.${last} lladdr 02:00:00:00:00:02 dev veth0`)
  }
  const exporter = await startExporter(t, host, '--interface=veth0', ...flags)
  return [host, exporter, await startBrowser(t, host)]
}

t.test('it lives, sorts, searches, goes back and forth, and pauses', async (t) => {
  const [host, exporter, browser] = await setUp(t)
  const { page, wrong } = await openPage(t, browser, exporter)
  await page.locator('#state:text-is("Live")').waitFor()
  t.equal(await rows(page).count(), 1)
  t.equal(await rows(page).textContent(), 'Nothing.')

  host.traffic('udp 192.0.2.2 443 23 1000')
  host.traffic('udp 192.0.2.3 53 41 10')
  host.traffic('udp 192.0.2.4 123 7 10')
  await page.locator('#destinations tbody tr:nth-child(3)').waitFor()
  t.match(await page.locator('#newest').textContent(), /^3 never seen before and not acknowledged/)
  t.equal(await page.locator('#newest li').count(), 3)
  t.match(await page.locator('#destinations tr.new .badge').first().textContent(), 'new')

  await page.getByRole('link', { name: 'Packets', exact: true }).click()
  await firstIs(page, '192.0.2.3')
  t.match(page.url(), 'sort=-packets')
  t.equal(await page.locator('th[aria-sort=descending]').textContent(), 'Packets')
  t.match(await rows(page).first().textContent(), /192\.0\.2\.3.*udp 53.*41.*new/)
  await page.getByRole('link', { name: 'Packets', exact: true }).click()
  await firstIs(page, '192.0.2.4')
  t.equal(await page.locator('th[aria-sort=ascending]').textContent(), 'Packets')

  await page.keyboard.press('Enter')
  await firstIs(page, '192.0.2.3')
  t.equal(await page.evaluate(() => document.activeElement?.textContent), 'Packets', 'focus stays')

  await page.keyboard.press('/')
  await page.keyboard.type('192.0.2.2')
  await firstIs(page, '192.0.2.2')
  t.equal(await rows(page).count(), 1)
  t.match(await page.locator('#pager').textContent(), '1–1 of 1 that match, of 3')
  await page.getByRole('searchbox').fill('192.0.2.0/30')
  await page.locator('#destinations tbody tr:nth-child(2)').waitFor()
  t.same((await addressesOf(page)).sort(), ['192.0.2.2', '192.0.2.3'])
  await page.getByRole('searchbox').fill('1/2/3')
  await page.locator('#error:not(:empty)').waitFor()
  t.match(await page.locator('#error').textContent(), "'1/2/3' is not a CIDR prefix")
  // The browser writes of each answer that is none.
  t.ok(wrong.every((message) => message.includes('400 (Bad Request)')))
  wrong.length = 0
  await page.getByRole('searchbox').fill('')
  await page.locator('#destinations tbody tr:nth-child(3)').waitFor()
  await page.goBack()
  await page.locator('#error:not(:empty)').waitFor()
  await page.goForward()
  await page.locator('#destinations tbody tr:nth-child(3)').waitFor()
  wrong.length = 0

  await page.getByRole('button', { name: 'Pause' }).click()
  host.traffic('udp 192.0.2.5 123 7 10')
  await exporter.settled()
  t.equal(await rows(page).count(), 3)
  await page.getByRole('button', { name: 'Go on' }).click()
  await page.locator('#destinations tbody tr:nth-child(4)').waitFor()

  const stream = await host.startTraffic(t, 'stream 192.0.2.6 53 200')
  await page.getByRole('link', { name: 'Bytes/s' }).click()
  await firstIs(page, '192.0.2.6')
  await page.locator('#destinations tbody tr:first-child polyline').waitFor()
  await page.locator('#interfaces polyline').waitFor()
  stream.child.kill()
  t.same(wrong, [])
})

t.test('from a service to its destinations, to all that send there, and back', async (t) => {
  const [host, exporter, browser] = await setUp(t, '--services')
  const [backup = '', web = ''] = makeUnits(t, 'backup.service', 'web<b>.service')
  host.run(inCgroup(backup, 0, ...send('192.0.2.2', 23)))
  host.run(inCgroup(backup, 0, ...send('192.0.2.3', 29)))
  host.run(inCgroup(web, 0, ...send('192.0.2.2', 31)))
  const { page, wrong } = await openPage(t, browser, exporter)
  await page.locator('#services tbody tr:nth-child(2)').waitFor()
  t.match(await page.locator('#services').textContent(), /backup\.service.*web<b>\.service|web<b>.*backup/)
  await page.locator('#services').getByRole('link', { name: 'backup.service' }).click()
  await page.locator('#destinations th:text-is("Service")').waitFor()
  await page.locator('#destinations tbody tr:nth-child(2)').waitFor()
  t.equal(new URL(page.url()).search, '?service=backup.service')
  t.equal(await page.getByRole('textbox', { name: 'Service' }).inputValue(), 'backup.service')
  t.same((await addressesOf(page)).sort(), ['192.0.2.2', '192.0.2.3'])
  await page.locator('#destinations').getByRole('link', { name: '192.0.2.2' }).click()
  await page.locator('#destinations').getByRole('link', { name: 'web<b>.service' }).waitFor()
  t.same(await addressesOf(page), ['192.0.2.2', '192.0.2.2'])
  t.match(await rows(page).allTextContents(), [/backup\.service.*23|web.*31/, /backup\.service.*23|web.*31/])
  await page.locator('#destinations').getByRole('link', { name: 'web<b>.service' }).click()
  await page.locator('#destinations tbody tr:only-child').waitFor()
  await page.goBack()
  await page.locator('#destinations tbody tr:nth-child(2)').waitFor()
  t.same(wrong, [])
})

t.test('its numbers are those of the metrics, and the accounting columns close the sum', async (t) => {
  const [host, exporter, browser] = await setUp(t)
  host.traffic('udp 192.0.2.2 443 1009 100')
  host.traffic('spray-frames veth0 7')
  const samples = await exporter.settled()
  const { page } = await openPage(t, browser, exporter, { javaScriptEnabled: false })
  const cells = (await page.locator('#interfaces tbody tr').locator('th,td').allTextContents()).map((text) =>
    Number(text.replaceAll(',', '')),
  )
  const head = await page.locator('#interfaces thead th').allTextContents()
  const value = (name: string) => cells[head.indexOf(name)]
  t.equal(value('Packets'), samples.get('egress_interface_packets_total{interface="veth0"}'))
  t.equal(value('Bytes'), samples.get('egress_interface_bytes_total{interface="veth0"}'))
  t.equal(value('Destinations'), 8)
  const unlisted = ['excluded', 'overflow', 'reply', 'not ip', 'malformed', 'expired'].map(
    (name) => value(name) ?? NaN,
  )
  t.equal(1009 + 7 + unlisted.reduce((sum, packets) => sum + packets), value('Packets'))
})

t.test('without scripts it is a table with links', async (t) => {
  const [host, exporter, browser] = await setUp(t)
  host.traffic('spray-frames veth0 127')
  await exporter.settled()
  const { page, wrong } = await openPage(t, browser, exporter, { javaScriptEnabled: false })
  t.equal(await rows(page).count(), 50)
  await page.getByRole('link', { name: 'Destination', exact: true }).click()
  t.equal((await addressesOf(page))[0], '1.0.0.0')
  await page.getByRole('link', { name: 'Next' }).click()
  await page.getByRole('link', { name: 'Next' }).click()
  t.equal((await addressesOf(page)).at(-1), '1.0.0.126')
  t.equal(await page.getByRole('link', { name: 'Next' }).count(), 0)
  await page.getByRole('searchbox').fill('1.0.0.9')
  await page.getByRole('button', { name: 'Show' }).click()
  t.same(await addressesOf(page), ['1.0.0.9', ...Array.from({ length: 10 }, (_, index) => `1.0.0.9${index}`)])
  await page.getByRole('link', { name: 'Metrics' }).click()
  t.match(await page.textContent('body'), 'egress_packets_total')
  t.same(wrong, [])
})

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [1280, 390]) {
    t.test(`everybody can use it: ${colorScheme}, ${width} wide`, async (t) => {
      const [host, exporter, browser] = await setUp(t)
      host.traffic('spray-frames veth0 61')
      const { page, wrong } = await openPage(t, browser, exporter, {
        colorScheme,
        viewport: { width, height: 800 },
      })
      await page.locator('#destinations tbody tr:nth-child(50)').waitFor()
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor)
      t.equal(background, colorScheme === 'dark' ? 'rgb(13, 17, 23)' : 'rgb(255, 255, 255)')
      t.equal(
        await page.evaluate(() => document.documentElement.scrollWidth),
        width,
        'it does not scroll sideways',
      )
      await page.evaluate(axe)
      const { violations } = (await page.evaluate('axe.run()')) as {
        violations: { id: string; nodes: unknown[] }[]
      }
      t.same(
        violations.map(({ id }) => id),
        [],
      )
      await page.keyboard.press('Tab')
      t.equal(await page.evaluate(() => document.activeElement?.id), 'pause', 'by keyboard as well')
      t.same(wrong, [])
    })
  }
}

t.test('65,536 destinations', async (t) => {
  const [host, exporter, browser] = await setUp(t, '--destinations.limit=131072', '--baseline.period=1h')
  host.traffic('spray-frames veth0 65536')
  await exporter.settled()
  const { page, wrong } = await openPage(t, browser, exporter)
  await page.locator('#pager:has-text("of 65,536")').waitFor()
  t.match(await page.locator('#newest').textContent(), /^Learning until /)
  await page.getByRole('link', { name: 'Destination', exact: true }).click()
  await firstIs(page, '1.0.0.0')
  await page.getByRole('link', { name: 'Destination', exact: true }).click()
  await firstIs(page, '1.0.255.255')
  await page.getByRole('link', { name: 'Next' }).click()
  await firstIs(page, '1.0.255.205')
  await page.getByRole('searchbox').fill('1.0.200.0/24')
  await firstIs(page, '1.0.200.255')
  t.match(await page.locator('#pager').textContent(), '1–50 of 256 that match, of 65,536')
  t.equal(await rows(page).count(), 50, 'no more rows than a page has')
  t.same(wrong, [])
})

t.test('what a name holds is text', async (t) => {
  const [host, exporter, browser] = await setUp(t, '--interface=x*')
  host.ip('link add x"><b>&' + ' type veth peer name far2')
  host.ip('link set x"><b>& up')
  const { page, wrong } = await openPage(t, browser, exporter)
  await page.locator('#interfaces tbody tr:nth-child(2)').waitFor()
  t.same(await page.locator('#interfaces tbody th').allTextContents(), ['veth0', 'x"><b>&'])
  t.equal(await page.locator('b').count(), 0)
  t.same(wrong, [])
})

t.test('a page of another site, whose name was made to point here, reads nothing', async (t) => {
  const host = silentPair(t, 'veth0')
  const exporter = await startExporter(t, host, '--interface=veth0')
  // Not every browser asks people before a page reads a local address, as this one would.
  const flags = [
    '--host-resolver-rules=MAP evil.example 127.0.0.1',
    '--disable-features=LocalNetworkAccessChecks',
  ]
  const browser = await startBrowser(t, host, ...flags)
  const page = await browser.newPage()
  const url = `http://evil.example:${new URL(exporter.url).port}/`
  t.equal((await page.goto(url))?.status(), 421)
  // What it was before its name pointed here.
  await page.route(url, (route) => route.fulfill({ contentType: 'text/html', body: '<title>evil</title>' }))
  await page.goto(url)
  t.equal(await page.title(), 'evil')
  const read = () =>
    fetch('/api/v1/destinations').then(async (answer) => [answer.status, await answer.text()])
  t.same(await page.evaluate(read), [
    421,
    'misdirected request: allow this host name with --web.allowed-hosts\n',
  ])
  t.match(exporter.log().join('\n'), /level=warn .*host=evil.example:\d+ client=127.0.0.1/)
})
