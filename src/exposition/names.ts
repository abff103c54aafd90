import { Counter, Gauge, type Registry } from 'prom-client'
import type { NamesState } from '../names/name-sources.js'

/**
 * egress_names_*: whether the names of destinations are heard, and what became of the answers that have them.
 * Without a sample where they are not looked for.
 */
export function namesMetrics(registry: Registry, state: () => NamesState | undefined): void {
  new Gauge({
    name: 'egress_names_source_up',
    help: 'Whether the names of destinations are heard from this source.',
    labelNames: ['source'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [source, up] of state()?.up ?? []) this.set({ source }, up ? 1 : 0)
    },
  })
  new Counter({
    name: 'egress_names_answers_total',
    help: 'DNS answers whose question led to addresses.',
    labelNames: ['source'],
    registers: [registry],
    collect() {
      this.reset()
      const now = state()
      for (const source of now?.up.keys() ?? []) this.inc({ source }, now?.counts[source])
    },
  })
  new Counter({
    name: 'egress_names_dropped_total',
    help: 'DNS answers that were not read: malformed, not whole in one packet (truncated), of a name with unusual characters (name), and packets without room (overflow).',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      this.reset()
      const now = state()
      if (!now) return
      const { malformed, truncated, name, overflow } = now.counts
      for (const [reason, count] of Object.entries({ malformed, truncated, name, overflow }))
        this.inc({ reason }, count)
    },
  })
}
