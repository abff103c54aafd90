import { Gauge, type Registry } from 'prom-client'

/** egress_destinations_limit: beyond it, traffic counts as overflow. */
export function destinationsLimit(registry: Registry, limit: number): void {
  new Gauge({
    name: 'egress_destinations_limit',
    help: 'The most destinations that the table can hold.',
    registers: [registry],
  }).set(limit)
}
