import { once } from 'node:events'
import { setFlagsFromString } from 'node:v8'
import { build } from '../build.js'
import { type CommandLine, loadSettings } from '../config/load.js'
import type { Settings } from '../config/settings.js'
import { EgressCounter } from '../kernel/egress-counter.js'
import { loadSystem, type System } from '../kernel/system.js'
import { lockStorage } from '../memory/storage-lock.js'
import { NameSources } from '../names/name-sources.js'
import { type Listener, openListeners } from '../web/listeners.js'
import { ConfigReloader } from './config-reloader.js'
import { ServiceManager } from './service-manager.js'
import { onSignal } from './signals.js'
import { logToStandardError, type StandardErrorLog } from './standard-error.js'
import { Stop } from './stop.js'

/** How long a stop waits for scrapes under way. */
const scrapesDeadlineMs = 3_000

/**
 * Counts and serves until SIGINT or SIGTERM; SIGHUP reads the configuration file again, and opens the
 * audit log anew, as SIGUSR1 does.
 *
 * @throws UserError if it cannot start; nothing stays attached then, but by pins
 */
export async function run(commandLine: CommandLine): Promise<void> {
  const settings = await loadSettings(commandLine)
  const system = loadSystem()
  const { log, lines } = logToStandardError(settings.log, system)
  // From here on a signal ends the run in order, even while it starts.
  const stop = new Stop(system, log)
  log.info(
    { version: build.version, revision: build.revision, node: process.version },
    'egress-exporter starts',
  )
  // Before anything is touched: who runs already, with this memory or at this address, is left in peace.
  lockStorage(settings.storagePath, system, log)
  const listeners = await openListeners(settings.listen, system)
  const manager = new ServiceManager(system, log)
  try {
    await count(commandLine, settings, { system, log, lines, stop, listeners, manager })
  } finally {
    manager.close()
    for (const { path } of listeners) path?.remove()
  }
}

interface Surroundings extends StandardErrorLog {
  readonly system: System
  readonly stop: Stop
  readonly listeners: readonly Listener[]
  readonly manager: ServiceManager
}

/** Counts and serves on what listens already. */
async function count(
  commandLine: CommandLine,
  settings: Settings,
  { system, log, lines, stop, listeners, manager }: Surroundings,
): Promise<void> {
  const names = await NameSources.open(settings, log)
  const counter = await EgressCounter.open(settings, log, { names })
  stop.atLast = () => counter.close()
  let closeMemory = () => Promise.resolve()
  try {
    // Loaded while it counts already: these take longer to load than the program.
    const { createApp, createSelfMetrics, remember, serve } = await import('./lazy-server.js')
    const memory = remember(counter, settings, log)
    closeMemory = () => memory.close()
    // It opens its files before privileges go.
    await memory.ready()
    const reloader = new ConfigReloader(commandLine, settings, counter, log)
    const { telemetryPath, maxRequests, allowedHosts, webConfigFile } = settings
    const guard = webConfigFile === '' ? undefined : await import('./lazy-web-config.js')
    const webConfig = guard && new guard.WebConfigFile(webConfigFile, log)
    const access = webConfig && guard.access(webConfig, log)
    const selfMetrics = createSelfMetrics({
      libbpfVersion: counter.libbpfVersion,
      destinationsLimit: settings.destinationsLimit,
      interfaces: () => counter.interfaces,
      missingInterfaces: () => counter.missingInterfaces,
      uncountedSeconds: () => counter.uncountedSeconds,
      table: () => counter.table,
      pinned: () => counter.pinned,
      runStatistics: () => counter.runStatistics,
      configReload: () => reloader.state,
      logLinesLost: () => lines.lost,
      authenticationFailures: () => access?.failures ?? { wrong: 0, throttled: 0 },
      names: () => names?.state,
      memory,
    })
    const web = { telemetryPath, maxRequests, allowedHosts, access: access?.onRequest }
    const app = createApp({ counter: memory, selfMetrics, log, ...web })
    const server = await serve(app, listeners, { webConfig, log })
    log.info({ kept: counter.dropCapabilities() }, 'gave up the privileges that only the start needed')
    const urls = server.urls.map((url) => (url.startsWith('unix:') ? url : url + telemetryPath))
    const ready = () => manager.ready(`counts, and serves ${urls.join(' and ')}`)
    onSignal('SIGHUP', () => {
      manager.reloading()
      memory.reopenAudit()
      void reloader.reload().then(ready)
    })
    onSignal('SIGUSR1', () => memory.reopenAudit())
    system.unblockSigusr1()
    for (const url of urls) log.info({ url }, 'serving metrics')
    ready()

    // Not before all is loaded: V8 refuses the code cache that Node carries where these differ. Code stays: what
    // runs with each scrape would be compiled anew after each collection.
    setFlagsFromString('--optimize-for-size')
    setFlagsFromString('--no-flush-bytecode')
    system.releaseStartupPages()

    if (!stop.signal.aborted) await once(stop.signal, 'abort')
    log.info({ signal: stop.signal.reason }, 'stopping')
    manager.stopping()
    stop.awaits = 'scrapes under way'
    await server.close(scrapesDeadlineMs)
  } finally {
    stop.awaits = 'the memory'
    await closeMemory()
    stop.awaits = 'what the kernel detaches'
    await counter.keepPins()
    counter.close()
    names?.close()
    stop.awaits = 'the end of the process'
  }
  const pins = { pin_path: settings.pinPath }
  if (counter.pinned === undefined) log.info('detached from every interface')
  else if (counter.pinned) log.info(pins, 'counting goes on without the exporter, by its pins')
  else log.warn(pins, 'counting ends where it is not pinned')
}
