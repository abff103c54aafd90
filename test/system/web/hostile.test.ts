import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { eventually } from '../../support/await.js'
import { startExporter } from '../../support/exporter.js'
import { createNetwork } from '../../support/network.js'
import { startPrometheusWith } from '../../support/prometheus.js'

const script = fileURLToPath(new URL('../../support/hostile.py', import.meta.url))

t.test(
  'Prometheus scrapes on while others try to keep the server busy, and nothing of them stays',
  async (t) => {
    const { host } = createNetwork(t)
    const exporter = await startExporter(t, host, '--interface=veth0')
    const every = 3
    const scrape = { scrape_interval: `${every}s`, scrape_timeout: `${every}s` }
    const prometheus = await startPrometheusWith(t, host, scrape, exporter.url)
    const { pid } = exporter.child
    const descriptors = () => readdirSync(`/proc/${pid}/fd`).length
    const residentMiB = () =>
      Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
    const before = { descriptors: descriptors(), residentMiB: residentMiB() }
    const started = Date.now() / 1000

    const { hostname, port } = new URL(exporter.url)
    // Buffers and heap grow until they suffice for so many at once. What leaks grows on.
    const after: number[] = []
    for (let round = 0; round < 3; round++) {
      const { stdout } = await promisify(execFile)(...host.command('python3', script, hostname, port))
      const { seconds } = JSON.parse(stdout)
      t.ok(seconds < 30, `every connection was closed after ${seconds} s`)
      after.push(residentMiB())
    }

    const range = Math.ceil(Date.now() / 1000 - started)
    const [scrapes = '0'] = prometheus.query(`count_over_time(up[${range}s])`)
    t.ok(Number(scrapes) >= range / every / 2, `${scrapes} scrapes in ${range} s`)
    t.same(prometheus.query(`min_over_time(up[${range}s])`), ['1'])
    await eventually(() => assert.ok(descriptors() <= before.descriptors + 2, `${descriptors()} descriptors`))
    const [, second = 0, third = 0] = after
    t.ok(third < before.residentMiB + 32, `${third} MiB, ${before.residentMiB} before`)
    t.ok(third < second + 4, `${third} MiB, ${second} the time before`)
  },
)
