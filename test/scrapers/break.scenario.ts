import assert from 'node:assert/strict'
import t from 'tap'
import { eventually } from '../support/await.js'
import { startExporter } from '../support/exporter.js'
import { addresses, createNetwork } from '../support/network.js'
import { pinFolder } from '../support/pins.js'
import { runPrometheus, scrapeOf, temporaryFolder } from '../support/prometheus.js'
import { awaitRhythm, breakNetwork, Bursts, expectNoResets, renumber } from '../support/scrapers.js'

t.test('one Prometheus: breaks, an exporter that hangs or restarts, limits, another address', async (t) => {
  const network = createNetwork(t)
  network.up()
  const { host, peer } = network
  const flags = [
    '--interface=veth0',
    `--web.listen-address=${addresses.host.v4}:10191`,
    `--bpf.pin-path=${pinFolder(t, host)}`,
  ]
  const exporter = await startExporter(t, host, ...flags)
  const folder = temporaryFolder(t)
  const scrape = scrapeOf('egress', exporter.url)
  const start = () => runPrometheus(t, peer, [scrape], { folder })
  let prometheus = await start()
  await awaitRhythm(prometheus)
  const isUp = (value: string) => eventually(() => assert.deepEqual(prometheus.query('up'), [value]))
  const bursts = new Bursts(host)
  const seen = async () => {
    await bursts.awaitIncreases(t, prometheus)
    expectNoResets(t, prometheus)
  }

  for (const seconds of [8, 20, 8]) {
    t.comment(`a break of ${seconds} s`)
    bursts.send(19)
    bursts.send(23)
    await breakNetwork(network, seconds, () => bursts.send(29))
    await seen()
  }

  t.comment('all scrapes time out')
  exporter.child.kill('SIGSTOP')
  bursts.send(31)
  await isUp('0')
  exporter.child.kill('SIGCONT')
  await isUp('1')
  await seen()

  t.comment('a restart, with pins')
  bursts.send(37)
  await exporter.stop()
  bursts.send(41)
  await startExporter(t, host, ...flags)
  await seen()

  t.comment('a limit of samples, which throws pages away that were sent')
  await prometheus.reload([{ ...scrape, sample_limit: 10 }])
  await isUp('0')
  const limited = new Bursts(host, '192.0.2')
  limited.send(43)
  await prometheus.reload([scrape])
  await isUp('1')
  await seen()

  t.comment('another address')
  await prometheus.stop()
  renumber(network, '198.51.100.3')
  bursts.send(47)
  prometheus = await start()
  await seen()
})
