import { Gauge, type Registry } from 'prom-client'
import type { AttachedInterface } from '../kernel/egress-counter.js'

/** egress_interface_attached and egress_interface_info: where the program counts, and how. */
export function interfaceGauges(registry: Registry, interfaces: () => readonly AttachedInterface[]): void {
  new Gauge({
    name: 'egress_interface_attached',
    help: 'Whether the program is attached to this interface.',
    labelNames: ['interface'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { name } of interfaces()) this.set({ interface: name }, 1)
    },
  })
  new Gauge({
    name: 'egress_interface_info',
    help: 'A constant 1; its labels say what the interface is and how the program is attached.',
    labelNames: ['interface', 'ifindex', 'mode', 'link_type'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { name, ifindex, mode, linkType } of interfaces()) {
        this.set({ interface: name, ifindex, mode, link_type: linkType }, 1)
      }
    },
  })
}
