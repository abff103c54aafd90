import { Gauge, type Registry } from 'prom-client'
import type { FollowedInterface } from '../kernel/follower.js'

/** egress_interface_attached and egress_interface_info: where the program counts, and how. */
export function interfaceGauges(registry: Registry, interfaces: () => readonly FollowedInterface[]): void {
  new Gauge({
    name: 'egress_interface_attached',
    help: 'Whether the program is attached to this interface.',
    labelNames: ['interface'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { name, mode } of interfaces()) this.set({ interface: name }, mode === undefined ? 0 : 1)
    },
  })
  new Gauge({
    name: 'egress_interface_info',
    help: 'A constant 1; its labels say what the interface is and how the program is attached.',
    labelNames: ['interface', 'ifindex', 'mode', 'link_type', 'kind', 'bus', 'master', 'lower'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { name, ifindex, mode, linkType, place } of interfaces()) {
        this.set({ interface: name, ifindex, mode: mode ?? '', link_type: linkType, ...place }, 1)
      }
    },
  })
}
