import { Counter, type Registry } from 'prom-client'

/** egress_log_lines_lost_total. */
export function logMetrics(registry: Registry, lost: () => number): void {
  new Counter({
    name: 'egress_log_lines_lost_total',
    help: 'Log lines that standard error did not take, since nobody read it or its disk was full.',
    registers: [registry],
    collect() {
      this.reset()
      this.inc(lost())
    },
  })
}
