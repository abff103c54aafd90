/**
 * The exporter without Fastify and its log, for emulated machines, where loading those takes longer
 * than all the rest. It takes the exporter's flags and serves the same page.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { cleanup } from '../../src/cli/cleanup.js'
import { parseCleanupFlags, parseFlags } from '../../src/cli/flags.js'
import { loadSettings } from '../../src/config/load.js'
import { renderPage } from '../../src/exposition/page.js'
import { createSelfMetrics } from '../../src/exposition/self-metrics.js'
import { EgressCounter } from '../../src/kernel/egress-counter.js'
import type { Logger } from '../../src/log.js'

/** Log lines as far as the tests read them. */
function write(level: string, fields: object, message: string): void {
  const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${String(value)}`)
  console.error(`level=${level} msg="${message}"${pairs.join('')}`)
}
const log = {
  info: (fields: object, message: string) => write('info', fields, message),
  warn: (fields: object, message: string) => write('warn', fields, message),
  error: (fields: object, message: string) => write('error', fields, message),
} as unknown as Logger

if (process.argv[2] === 'cleanup') {
  const print = (line: string) => console.log(line)
  cleanup(parseCleanupFlags(process.argv.slice(3)).dryRun, print)
  process.exit()
}
const settings = await loadSettings(parseFlags(process.argv.slice(2)))
const counter = EgressCounter.open(settings, log)
counter.dropCapabilities()
const { destinationsLimit } = settings
const { libbpfVersion } = counter
const source = {
  counter,
  selfMetrics: createSelfMetrics({
    libbpfVersion,
    destinationsLimit,
    interfaces: () => counter.interfaces,
    table: () => counter.table,
    configReload: () => ({ successful: true, successSeconds: 0 }),
  }),
  log,
}
const server = createServer((_request, response) => {
  void pipeline(Readable.from(renderPage(source, 'text')), response)
})
process.once('SIGTERM', () => {
  counter.close()
  if (settings.pinPath !== '') {
    log.info({ pin_path: settings.pinPath }, 'counting goes on without the exporter, by its pins')
  }
  process.exit(0)
})
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address() as AddressInfo
  console.error(`msg="serving metrics" url=http://127.0.0.1:${port}/metrics`)
})
