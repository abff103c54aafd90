import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { eventually } from '../support/await.js'
import { startExporter } from '../support/exporter.js'
import { createNetwork } from '../support/network.js'
import { startPrometheus } from '../support/prometheus.js'

const script = fileURLToPath(new URL('../support/hostile.py', import.meta.url))

t.test(
  'Prometheus scrapes on while others try to keep the server busy, and nothing of them stays',
  async (t) => {
    const { host } = createNetwork(t)
    const exporter = await startExporter(t, host, '--interface=veth0')
    const prometheus = await startPrometheus(t, host, exporter.url)
    const { pid } = exporter.child
    const descriptors = () => readdirSync(`/proc/${pid}/fd`).length
    const residentMiB = () =>
      Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
    const before = { descriptors: descriptors(), residentMiB: residentMiB() }
    const started = Date.now() / 1000

    const { hostname, port } = new URL(exporter.url)
    // Twice: what the first time leaves behind in memory, the second must not double.
    for (let round = 0; round < 2; round++) {
      const { stdout } = await promisify(execFile)(...host.command('python3', script, hostname, port))
      const { seconds } = JSON.parse(stdout)
      t.ok(seconds < 30, `every connection was closed after ${seconds} s`)
    }

    const range = Math.ceil(Date.now() / 1000 - started)
    const [scrapes = '0'] = prometheus.query(`count_over_time(up[${range}s])`)
    t.ok(Number(scrapes) >= range / 2, `${scrapes} scrapes in ${range} s`)
    t.same(prometheus.query(`min_over_time(up[${range}s])`), ['1'])
    await eventually(() => assert.ok(descriptors() <= before.descriptors + 2, `${descriptors()} descriptors`))
    t.ok(residentMiB() < before.residentMiB + 16, `${residentMiB()} MiB, ${before.residentMiB} before`)
  },
)
