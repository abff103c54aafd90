import { Gauge, type Registry } from 'prom-client'

/** How the configuration was last read. */
export interface ReloadState {
  readonly successful: boolean
  /** In seconds since the epoch: when it was last read without a complaint. */
  readonly successSeconds: number
}

/** egress_config_last_reload_successful and its time, as Prometheus has them of its own. */
export function configReload(registry: Registry, state: () => ReloadState): void {
  new Gauge({
    name: 'egress_config_last_reload_successful',
    help: 'Whether the last attempt to read the configuration succeeded.',
    registers: [registry],
    collect() {
      this.set(state().successful ? 1 : 0)
    },
  })
  new Gauge({
    name: 'egress_config_last_reload_success_timestamp_seconds',
    help: 'When the configuration was last read with success.',
    registers: [registry],
    collect() {
      this.set(state().successSeconds)
    },
  })
}
