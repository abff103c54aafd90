import { Counter, type Registry } from 'prom-client'
import type { RunStatistics } from '../kernel/egress-counter.js'

/**
 * egress_program_runs_total and egress_program_run_seconds_total: what the kernel program costs. Without
 * samples where the kernel has measured nothing, since its BPF statistics were never on.
 */
export function programMetrics(registry: Registry, statistics: () => RunStatistics): void {
  const names = { runs: 'egress_program_runs_total', seconds: 'egress_program_run_seconds_total' } as const
  const help = {
    runs: 'Runs of the kernel program while BPF statistics were on.',
    seconds: 'Time that these runs took.',
  } as const
  for (const unit of ['runs', 'seconds'] as const) {
    const counter = new Counter({
      name: names[unit],
      help: help[unit],
      // Without labels, prom-client shows 0 before there is a value.
      labelNames: ['none'],
      registers: [registry],
      collect() {
        counter.reset()
        const measured = statistics()
        if (measured.runs > 0) counter.inc({}, measured[unit])
      },
    })
  }
}
