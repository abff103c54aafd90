import { Counter, Gauge, type Registry } from 'prom-client'
import type { TableState } from '../kernel/table-sweeper.js'

/**
 * egress_destinations_limit, egress_destinations_full and egress_destinations_retired_total: how many
 * destinations there is room for, whether that suffices, and what left to make room.
 */
export function tableMetrics(registry: Registry, limit: number, table: () => TableState): void {
  new Gauge({
    name: 'egress_destinations_limit',
    help: 'The most destinations that the table can hold.',
    registers: [registry],
  }).set(limit)
  new Gauge({
    name: 'egress_destinations_full',
    help: 'Whether packets found no room in the table lately, and counted as overflow.',
    registers: [registry],
    collect() {
      this.set(table().full ? 1 : 0)
    },
  })
  new Counter({
    name: 'egress_destinations_retired_total',
    help: 'Destinations that left the table: idle for the timeout, or longest idle as it filled.',
    labelNames: ['cause'],
    registers: [registry],
    collect() {
      const { expired, evicted } = table()
      this.reset()
      this.inc({ cause: 'idle' }, expired)
      this.inc({ cause: 'room' }, evicted)
    },
  })
}
