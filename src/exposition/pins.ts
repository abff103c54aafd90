import { Gauge, type Registry } from 'prom-client'

/** egress_pinned: whether counting goes on without the exporter. Without a sample where it is not to. */
export function pinMetrics(registry: Registry, pinned: () => boolean | undefined): void {
  new Gauge({
    name: 'egress_pinned',
    help: 'Whether all that counts is pinned, so that it goes on without the exporter.',
    // Without labels, prom-client shows 0 before there is a value.
    labelNames: ['none'],
    registers: [registry],
    collect() {
      this.reset()
      const now = pinned()
      if (now !== undefined) this.set(now ? 1 : 0)
    },
  })
}
