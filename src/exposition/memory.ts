import { Counter, Gauge, type Registry } from 'prom-client'
import type { MemoryState } from '../memory/memory-state.js'

export interface MemorySource {
  readonly state: MemoryState
}

/** What is new, and whether the memory that knows it is sound. */
export function memoryMetrics(
  registry: Registry,
  source: MemorySource,
  interfaces: () => readonly { readonly name: string }[],
): void {
  new Gauge({
    name: 'egress_baseline_end_timestamp_seconds',
    help: 'Until when destinations are learned and not announced as new.',
    registers: [registry],
    collect() {
      this.set(source.state.baselineEndMs / 1000)
    },
  })
  new Counter({
    name: 'egress_new_destinations_total',
    help: 'Destinations never seen before, after the baseline.',
    labelNames: ['interface'],
    registers: [registry],
    collect() {
      this.reset()
      const { newDestinations } = source.state
      const names = new Set([...newDestinations.keys(), ...interfaces().map(({ name }) => name)])
      for (const name of names) this.inc({ interface: name }, newDestinations.get(name) ?? 0)
    },
  })
  new Gauge({
    name: 'egress_unacknowledged_destinations',
    help: 'New destinations that nobody has acknowledged.',
    registers: [registry],
    collect() {
      this.set(source.state.unacknowledged)
    },
  })
  new Gauge({
    name: 'egress_storage_degraded',
    help: 'Whether the memory or the audit log cannot be written.',
    registers: [registry],
    collect() {
      const { degraded, audit } = source.state
      this.set(degraded || audit.failing ? 1 : 0)
    },
  })
  new Gauge({
    name: 'egress_networks_files_failed',
    help: 'Files of networks that could not be read since they changed last.',
    registers: [registry],
    collect() {
      this.set(source.state.networkFilesFailed)
    },
  })
  auditMetrics(registry, source)
}

/** What became of the events that the audit log tells of. */
function auditMetrics(registry: Registry, source: MemorySource): void {
  new Counter({
    name: 'egress_audit_events_total',
    help: 'Events written to the audit log.',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(source.state.audit.written)
    },
  })
  new Gauge({
    name: 'egress_audit_pending_events',
    help: 'Events in the memory that the audit log is still to be told.',
    registers: [registry],
    collect() {
      this.set(source.state.audit.pending)
    },
  })
  new Counter({
    name: 'egress_audit_lost_events_total',
    help: 'Events given up, since the audit log could not be written for too long.',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(source.state.audit.lost)
    },
  })
}
