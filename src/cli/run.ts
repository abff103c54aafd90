import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { build } from '../build.js'
import { type CommandLine, loadSettings } from '../config/load.js'
import type { Settings } from '../config/settings.js'
import { loadAddon } from '../kernel/addon.js'
import { EgressCounter } from '../kernel/egress-counter.js'
import { createLog } from '../log.js'
import { ConfigReloader } from './config-reloader.js'

/** How long a stop waits for scrapes under way. */
const stopDeadlineMs = 3_000

/**
 * Counts and serves until SIGINT or SIGTERM; SIGHUP reads the configuration file again.
 *
 * @throws UserError if it cannot start; nothing stays attached then, but by pins
 */
export async function run(commandLine: CommandLine): Promise<void> {
  const settings = await loadSettings(commandLine)
  // From here on a signal ends the run in order, even while it starts.
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort(signal))

  const log = createLog(settings.log)
  log.info(
    { version: build.version, revision: build.revision, node: process.version },
    'egress-exporter starts',
  )
  log.info(
    { destinations_limit: settings.destinationsLimit, kernel_mib: kernelMiB(settings) },
    'the tables take this much memory in the kernel',
  )
  const counter = await EgressCounter.open(settings, log)
  let closeMemory = () => Promise.resolve()
  try {
    // Loaded while it counts already: these take longer to load than the program.
    const { createApp, createSelfMetrics, remember, serve } = await import('./serving.js')
    const memory = remember(counter, settings, log)
    closeMemory = () => memory.close()
    // It opens its files before privileges go.
    await memory.ready()
    const reloader = new ConfigReloader(commandLine, settings, counter, log)
    const selfMetrics = createSelfMetrics({
      libbpfVersion: counter.libbpfVersion,
      destinationsLimit: settings.destinationsLimit,
      interfaces: () => counter.interfaces,
      missingInterfaces: () => counter.missingInterfaces,
      uncountedSeconds: () => counter.uncountedSeconds,
      table: () => counter.table,
      runStatistics: () => counter.runStatistics,
      configReload: () => reloader.state,
      memory,
    })
    const { telemetryPath, maxRequests, listen, webConfigFile } = settings
    const guard = webConfigFile === '' ? undefined : await import('./guarding.js')
    const webConfig = guard && new guard.WebConfigFile(webConfigFile, log)
    const access = webConfig && guard.access(webConfig)
    const app = createApp({ counter: memory, selfMetrics, log, telemetryPath, maxRequests, access })
    const server = await serve(app, { listen, webConfig, log })
    log.info({ kept: counter.dropCapabilities() }, 'gave up the privileges that only the start needed')
    process.on('SIGHUP', () => {
      memory.reopenAudit()
      void reloader.reload()
    })
    for (const url of server.urls) {
      log.info({ url: url.startsWith('unix:') ? url : url + telemetryPath }, 'serving metrics')
    }

    loadAddon().releaseStartupPages()

    if (!stop.signal.aborted) await once(stop.signal, 'abort')
    log.info({ signal: stop.signal.reason }, 'stopping')
    await server.close(stopDeadlineMs)
  } finally {
    await closeMemory()
    counter.close()
  }
  if (settings.pinPath === '') log.info('detached from every interface')
  else log.info({ pin_path: settings.pinPath }, 'counting goes on without the exporter, by its pins')
}

/** About what README says of memory; prefixes and what the kernel needs to manage maps come on top. */
function kernelMiB({ destinationsLimit }: Settings): number {
  const bytesPerDestination = 64 + 32 + 96 + 4 + 4
  const bytesPerCpu = 1024 * 104 + 512 * 24 + 1024 * 24
  const bytes = destinationsLimit * bytesPerDestination + bytesPerCpu * availableParallelism()
  return Number((bytes / 2 ** 20).toFixed(1))
}
