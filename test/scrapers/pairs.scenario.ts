import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { eventually } from '../support/await.js'
import { startExporter } from '../support/exporter.js'
import { addresses, createNetwork } from '../support/network.js'
import { queryable, run, runPrometheus, scrapeOf, temporaryFolder } from '../support/prometheus.js'
import { awaitRhythm, Bursts, expectNoResets, startNginx } from '../support/scrapers.js'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const jobs = ['direct', 'closing', 'keeping']

t.test('two Prometheus, direct and through nginx: as a pair, and of different rhythms', async (t) => {
  const network = createNetwork(t)
  network.up()
  const { host } = network
  const listen = `--web.listen-address=${addresses.host.v4}:10191`
  const exporter = await startExporter(t, host, '--interface=veth0', listen)
  startNginx(t, host, exporter.url, { closing: 8001, keeping: 8002 })
  const urls = [exporter.url, 'http://127.0.0.1:8001', 'http://127.0.0.1:8002']
  const scrapes = (interval: string) =>
    jobs.map((job, index) => ({ ...scrapeOf(job, urls[index] ?? ''), scrape_interval: interval }))
  const folder = temporaryFolder(t)
  const first = await runPrometheus(t, host, scrapes('1s'), { port: 9091 })
  let second = await runPrometheus(t, host, scrapes('1s'), { port: 9092, folder })
  const bursts = new Bursts(host)
  const rounds = async () => {
    await Promise.all([first, second].map(awaitRhythm))
    bursts.clear()
    // Beats of the rhythms, at every point of which something is born.
    for (let round = 0; round < 25; round++) {
      bursts.send(19 + round)
      await sleep(430)
    }
    for (const prometheus of [first, second])
      for (const job of jobs) {
        await bursts.awaitIncreases(t, prometheus, `job="${job}"`)
        expectNoResets(t, prometheus, `job="${job}"`)
      }
  }
  await rounds()
  t.comment('one is away for 5 s')
  await second.stop()
  for (let round = 0; round < 5; round++) {
    bursts.send(7 + round)
    await sleep(1_000)
  }
  second = await runPrometheus(t, host, scrapes('1100ms'), { port: 9092, folder })
  await rounds()
})

t.test('a pair of vmagents into one VictoriaMetrics that keeps one sample of both', async (t) => {
  const network = createNetwork(t)
  network.up()
  const { host } = network
  const exporter = await startExporter(t, host, '--interface=veth0')
  const folder = temporaryFolder(t)
  const little = '-memory.allowedPercent=5'
  run(t, host, [
    'victoria-metrics',
    `-storageDataPath=${folder}/data`,
    '-httpListenAddr=127.0.0.1:8428',
    '-dedup.minScrapeInterval=1s',
    '-search.latencyOffset=0s',
    '-search.disableCache',
    '-loggerLevel=ERROR',
    little,
  ])
  const storage = await queryable(host, 8428)
  const config = join(folder, 'scrape.yml')
  const scrape_configs = [{ ...scrapeOf('egress', exporter.url), scrape_interval: '1s' }]
  writeFileSync(config, JSON.stringify({ scrape_configs }))
  const agent = (port: number) =>
    run(t, host, [
      'vmagent',
      `-promscrape.config=${config}`,
      '-remoteWrite.url=http://127.0.0.1:8428/api/v1/write',
      `-remoteWrite.tmpDataPath=${folder}/agent-${port}`,
      '-remoteWrite.flushInterval=200ms',
      `-httpListenAddr=127.0.0.1:${port}`,
      '-loggerLevel=ERROR',
      little,
    ])
  agent(8429)
  let second = agent(8430)
  await awaitRhythm(storage)
  const bursts = new Bursts(host)
  const seen = async () => {
    await bursts.awaitIncreases(t, storage)
    expectNoResets(t, storage)
  }
  for (const count of [19, 23]) bursts.send(count)
  await seen()
  for (let round = 0; round < 3; round++) {
    t.comment('one is away for 5 s')
    await second.stop()
    const young = bursts.send(29 + round)
    await sleep(5_000)
    bursts.send(37 + round)
    second = agent(8430)
    await seen()
    await eventually(() =>
      assert.deepEqual(storage.query(`increase(${young}[1h])`), [String(29 + round)], 'as it counts itself'),
    )
  }
})
