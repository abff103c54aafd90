import { collectDefaultMetrics, type PrometheusContentType, Registry } from 'prom-client'
import type { RunStatistics } from '../kernel/egress-counter.js'
import type { TableState } from '../kernel/table-sweeper.js'
import type { NamesState } from '../names/name-sources.js'
import { AnnouncedMetric } from './announced.js'
import { buildInfo } from './build-info.js'
import { configReload, type ReloadState } from './config-reload.js'
import type { Format } from './format.js'
import { interfaceMetrics, type InterfaceSource } from './interfaces.js'
import { logMetrics } from './log.js'
import { namesMetrics } from './names.js'
import { type MemorySource, memoryMetrics } from './memory.js'
import { pinMetrics } from './pins.js'
import { programMetrics } from './program.js'
import { tableMetrics } from './table.js'
import { type AuthenticationFailures, webMetrics } from './web.js'

/** What the exporter says of itself. */
export interface SelfMetricsSource extends InterfaceSource {
  readonly libbpfVersion: string
  readonly destinationsLimit: number
  readonly table: () => TableState
  readonly runStatistics: () => RunStatistics
  readonly memory: MemorySource
  readonly configReload: () => ReloadState
  readonly logLinesLost: () => number
  readonly authenticationFailures: () => AuthenticationFailures
  readonly pinned: () => boolean | undefined
  readonly names: () => NamesState | undefined
}

/** For each format what is to come last on a page: OpenMetrics ends with "# EOF". */
export type SelfMetrics = Readonly<Record<Format, { metrics(): Promise<string> }>>

/** What prom-client has by default and is kept; the rest says much of V8 and little of the exporter. */
const kept = /^(process_\w+|nodejs_(version_info|heap_size_\w+|external_memory_bytes|gc_duration_seconds))$/

/** prom-client looks at the event loop this often, and cannot be told not to: 100 times a second by default. */
const eventLoopMonitoringPrecision = 3_600_000

/**
 * One registry a format: rendering OpenMetrics strips `_total` from prom-client's counters for good,
 * so a registry that served both would break the text format.
 */
export function createSelfMetrics(source: SelfMetricsSource): SelfMetrics {
  const announced = new AnnouncedMetric(source.memory)
  const of = (contentType: string) => {
    const registry = createRegistry(source, contentType)
    return { metrics: async () => announced.render() + (await registry.metrics()) }
  }
  return {
    text: of(Registry.PROMETHEUS_CONTENT_TYPE),
    openMetrics: of(Registry.OPENMETRICS_CONTENT_TYPE),
  }
}

function createRegistry(source: SelfMetricsSource, contentType: string): Registry {
  const registry = new Registry()
  // The cast: prom-client's types tie a metric to its registry's format, its code does not.
  registry.setContentType(contentType as PrometheusContentType)
  buildInfo(registry, source.libbpfVersion)
  tableMetrics(registry, source.destinationsLimit, source.table)
  configReload(registry, source.configReload)
  logMetrics(registry, source.logLinesLost)
  webMetrics(registry, source.authenticationFailures)
  programMetrics(registry, source.runStatistics)
  pinMetrics(registry, source.pinned)
  memoryMetrics(registry, source.memory, source.interfaces)
  namesMetrics(registry, source.names)
  interfaceMetrics(registry, source)
  const ours = new Set(registry.getMetricsAsArray())
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision })
  for (const metric of registry.getMetricsAsArray()) {
    if (!ours.has(metric) && !kept.test(metric.name)) registry.removeSingleMetric(metric.name)
  }
  return registry
}
