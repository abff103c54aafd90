import t from 'tap'
import { startExporter } from '../support/exporter.js'
import { addresses, createNetwork } from '../support/network.js'
import { runPrometheus, scrapeOf } from '../support/prometheus.js'
import {
  awaitClosedSum,
  awaitRhythm,
  breakNetwork,
  Bursts,
  expectNoResets,
  startNginx,
} from '../support/scrapers.js'

// What takes longer is in test/scrapers/: npm run test:scrapers.

t.test(
  'a network breaks for a Prometheus, and another comes through an nginx that keeps no connection',
  async (t) => {
    const network = createNetwork(t)
    network.up()
    const { host, peer } = network
    const listen = `--web.listen-address=${addresses.host.v4}:10191`
    const exporter = await startExporter(t, host, '--interface=veth0', listen)
    const far = await runPrometheus(t, peer, [scrapeOf('egress', exporter.url)])
    await awaitRhythm(far)
    const bursts = new Bursts(host)
    bursts.send(19)
    await bursts.awaitIncreases(t, far)
    bursts.send(23)
    await breakNetwork(network, 8, () => bursts.send(29))
    await bursts.awaitIncreases(t, far)

    startNginx(t, host, exporter.url, { closing: 8001, keeping: 8002 })
    const near = await runPrometheus(t, host, [scrapeOf('egress', 'http://127.0.0.1:8001')])
    await awaitRhythm(near)
    bursts.clear()
    for (const count of [31, 37, 41]) bursts.send(count)
    await awaitClosedSum(near)
    for (const scraper of [far, near]) {
      await bursts.awaitIncreases(t, scraper)
      expectNoResets(t, scraper)
    }
  },
)
