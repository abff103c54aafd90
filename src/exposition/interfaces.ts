import { Counter, Gauge, type Registry } from 'prom-client'
import type { FollowedInterface } from '../kernel/interfaces.js'

/** What is known of interfaces beside their counts, at the time of the call. */
export interface InterfaceSource {
  /** The chosen ones that exist. */
  readonly interfaces: () => readonly FollowedInterface[]
  /** Those that were named and do not exist. */
  readonly missingInterfaces: () => readonly string[]
  /** For how many seconds each was there and not counted. */
  readonly uncountedSeconds: () => ReadonlyMap<string, number>
}

/**
 * egress_interface_attached, egress_interface_info, egress_interface_programs_before and
 * egress_interface_uncounted_seconds_total: where the program counts, how, and what it may have missed.
 */
export function interfaceMetrics(registry: Registry, source: InterfaceSource): void {
  new Gauge({
    name: 'egress_interface_attached',
    help: 'Whether the program is attached to this interface.',
    labelNames: ['interface'],
    registers: [registry],
    collect() {
      this.reset()
      for (const name of source.missingInterfaces()) this.set({ interface: name }, 0)
      for (const { name, mode } of source.interfaces()) {
        this.set({ interface: name }, mode === undefined ? 0 : 1)
      }
    },
  })
  new Gauge({
    name: 'egress_interface_info',
    help: 'A constant 1; its labels say what the interface is and how the program is attached.',
    labelNames: ['interface', 'ifindex', 'mode', 'link_type', 'kind', 'bus', 'master', 'lower'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { name, ifindex, mode, linkType, place } of source.interfaces()) {
        this.set({ interface: name, ifindex, mode: mode ?? '', link_type: linkType, ...place }, 1)
      }
    },
  })
  new Gauge({
    name: 'egress_interface_programs_before',
    help: 'Programs and filters of others that run before this one and may hide packets from it.',
    labelNames: ['interface'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { name, mode, programsBefore } of source.interfaces()) {
        if (mode !== undefined) this.set({ interface: name }, programsBefore)
      }
    },
  })
  new Counter({
    name: 'egress_interface_uncounted_seconds_total',
    help: 'Time for which this interface was there and the program not attached, at most.',
    labelNames: ['interface'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [name, seconds] of source.uncountedSeconds()) this.inc({ interface: name }, seconds)
    },
  })
}
