/**
 * The exporter without Fastify and its log, for emulated machines, where loading those takes longer
 * than all the rest. It takes the exporter's flags and serves the same page.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseFlags } from '../../src/cli/flags.js'
import { parseSettings } from '../../src/config/settings.js'
import { renderPage } from '../../src/exposition/page.js'
import { createSelfMetrics } from '../../src/exposition/self-metrics.js'
import { EgressCounter } from '../../src/kernel/egress-counter.js'

const settings = parseSettings(parseFlags(process.argv.slice(2)))
const counter = EgressCounter.open(settings, console)
counter.dropCapabilities()
const { destinationsLimit } = settings
const { libbpfVersion } = counter
const source = {
  counter,
  selfMetrics: createSelfMetrics({ libbpfVersion, destinationsLimit, interfaces: () => counter.interfaces }),
  log: console,
}
const server = createServer((_request, response) => {
  void pipeline(Readable.from(renderPage(source, 'text')), response)
})
process.once('SIGTERM', () => {
  counter.close()
  process.exit(0)
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  console.error(`msg="serving metrics" url=http://127.0.0.1:${port}/metrics`)
})
