import { Counter, type Registry } from 'prom-client'

/** Requests that were refused for the name and password that they showed. */
export interface AuthenticationFailures {
  /** Not those of a user. */
  readonly wrong: number
  /** Not compared, since the client had tried too many. */
  readonly throttled: number
}

/** egress_web_authentication_failures_total. */
export function webMetrics(registry: Registry, failures: () => AuthenticationFailures): void {
  new Counter({
    name: 'egress_web_authentication_failures_total',
    help: 'Requests refused for a user name or password: wrong, or not compared since the client had tried too many (throttled).',
    labelNames: ['reason'],
    registers: [registry],
    collect() {
      const { wrong, throttled } = failures()
      this.reset()
      this.inc({ reason: 'wrong' }, wrong)
      this.inc({ reason: 'throttled' }, throttled)
    },
  })
}
