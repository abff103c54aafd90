import { collectDefaultMetrics, type PrometheusContentType, Registry } from 'prom-client'
import type { RunStatistics } from '../kernel/addon.js'
import type { FollowedInterface } from '../kernel/follower.js'
import type { TableState } from '../kernel/housekeeper.js'
import { buildInfo } from './build-info.js'
import { configReload, type ReloadState } from './config-reload.js'
import type { Format } from './format.js'
import { interfaceGauges } from './interfaces.js'
import { type MemorySource, memoryMetrics } from './memory.js'
import { programMetrics } from './program.js'
import { tableMetrics } from './table.js'

/** What the exporter says of itself. */
export interface SelfMetricsSource {
  readonly libbpfVersion: string
  readonly destinationsLimit: number
  /** The chosen interfaces at the time of the call. */
  readonly interfaces: () => readonly FollowedInterface[]
  readonly table: () => TableState
  readonly runStatistics: () => RunStatistics
  readonly memory: MemorySource
  readonly configReload: () => ReloadState
}

export type SelfMetrics = Readonly<Record<Format, Registry>>

/** Gauges that prom-client names like counters; promtool rejects the suffix. */
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

/**
 * One registry a format: rendering OpenMetrics strips `_total` from prom-client's counters for good,
 * so a registry that served both would break the text format.
 */
export function createSelfMetrics(source: SelfMetricsSource): SelfMetrics {
  return {
    text: createRegistry(source, Registry.PROMETHEUS_CONTENT_TYPE),
    openMetrics: createRegistry(source, Registry.OPENMETRICS_CONTENT_TYPE),
  }
}

function createRegistry(source: SelfMetricsSource, contentType: string): Registry {
  const registry = new Registry()
  // The cast: prom-client's types tie a metric to its registry's format, its code does not.
  registry.setContentType(contentType as PrometheusContentType)
  buildInfo(registry, source.libbpfVersion)
  tableMetrics(registry, source.destinationsLimit, source.table)
  configReload(registry, source.configReload)
  programMetrics(registry, source.runStatistics)
  memoryMetrics(registry, source.memory, source.interfaces)
  interfaceGauges(registry, source.interfaces)
  collectDefaultMetrics({ register: registry })
  for (const name of misnamed) registry.removeSingleMetric(name)
  return registry
}
