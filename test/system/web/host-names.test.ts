import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import t from 'tap'
import { eventually } from '../../support/await.js'
import { startExporter } from '../../support/exporter.js'
import { silentPair } from '../../support/network.js'
import { runPrometheus, scrapeOf } from '../../support/prometheus.js'

t.test('Prometheus scrapes by address, localhost and host name; an alias has to be allowed', async (t) => {
  const host = silentPair(t, 'veth0')
  const exporter = await startExporter(t, host, '--interface=veth0')
  const allowing = await startExporter(t, host, '--interface=lo', '--web.allowed-hosts=alias.example')
  /** By a name that need not be resolved: the exporter is asked as a proxy is, with the name in the target. */
  const scrapeBy = (name: string, { url }: { url: string }, job: string) => {
    const { origin, port } = new URL(url)
    return { ...scrapeOf(job, `http://${name}:${port}`), proxy_url: origin }
  }
  const prometheus = await runPrometheus(t, host, [
    scrapeOf('own', exporter.url, exporter.url.replace('127.0.0.1', 'localhost')),
    scrapeBy(hostname(), exporter, 'named'),
    scrapeBy('alias.example', exporter, 'alias'),
    scrapeBy('alias.example', allowing, 'allowed'),
  ])
  await eventually(() => {
    assert.deepEqual(prometheus.query('up{job="own"}'), ['1', '1'])
    assert.deepEqual(prometheus.query('up{job="named"}'), ['1'])
    assert.deepEqual(prometheus.query('up{job="allowed"}'), ['1'])
  })
  // Time for more lines, if there were any.
  await eventually(() => assert.equal(prometheus.query('count_over_time(up{job="alias"}[1h]) > 3').length, 1))
  t.same(prometheus.query('max_over_time(up{job="alias"}[1h])'), ['0'])
  t.equal(exporter.log().filter((line) => line.includes('--web.allowed-hosts')).length, 1, 'one line')
  t.match(exporter.log().join('\n'), `host=alias.example:${new URL(exporter.url).port}`)
  t.equal(allowing.log().filter((line) => line.includes('--web.allowed-hosts')).length, 0)
})
