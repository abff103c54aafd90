import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { eventually } from './await.js'
import { addresses, type Namespace, type Network } from './network.js'
import { framesTo } from './packets.js'
import { type Queryable, run, type Running, type Teardown, temporaryFolder } from './prometheus.js'

/** Destinations that are met for the first time, each with its first burst. */
export class Bursts {
  readonly #host: Namespace
  readonly #net: string
  readonly #sent = new Map<string, number>()
  #next = 1

  /** @param net of their addresses: 203.0.113.0/24, or another */
  constructor(host: Namespace, net = '203.0.113') {
    this.#host = host
    this.#net = net
  }

  /** Sends to a destination that nobody has sent to before. Returns a selector of its series. */
  send(count: number): string {
    const to = `${this.#net}.${this.#next++}`
    this.#host.traffic('frames veth0', framesTo(to, count))
    this.#sent.set(to, count)
    return `egress_packets_total{destination="${to}"}`
  }

  /** Forgets those so far. */
  clear(): void {
    this.#sent.clear()
  }

  /** Awaits that somebody has all of them, to the last packet, and expects that each was an increase by all. */
  async awaitIncreases(t: Test, scraper: Queryable, selector = ''): Promise<void> {
    const wanted = [...this.#sent].sort()
    const over = (name: string) => {
      const found = byDestination(scraper, `${name}(egress_packets_total{${selector}}[1h])`)
      return (to: string) => found.get(to) ?? NaN
    }
    const each = (value: (to: string) => number) => wanted.map(([to]) => [to, value(to)])
    await eventually(() => assert.deepEqual(each(over('last_over_time')), wanted))
    const [least, most] = [over('min_over_time'), over('max_over_time')]
    t.same(
      each((to) => most(to) - least(to)),
      wanted,
      `each first burst is an increase ${selector}`,
    )
  }
}

function byDestination(scraper: Queryable, expression: string): Map<string, number> {
  const { data } = scraper.get(`query?query=${encodeURIComponent(expression)}`)
  return new Map(
    data['result'].map(({ metric, value }: { metric: Record<string, string>; value: [number, string] }) => [
      metric['destination'],
      Number(value[1]),
    ]),
  )
}

/** No counter of packets fell, as somebody saw them. */
export function expectNoResets(t: Test, scraper: Queryable, selector = ''): void {
  const names: string[] = scraper.get('label/__name__/values').data as unknown as string[]
  const counters = names.filter((name) => /^egress_(interface_|unlisted_)?(packets|bytes)_total$/.test(name))
  assert.equal(counters.length, 6)
  const resets = counters.flatMap((name) => scraper.query(`sum(resets(${name}{${selector}}[1h]))`))
  t.equal(Math.max(...resets.map(Number)), 0, `no counter falls ${selector}`)
}

/** Awaits that what somebody sees adds up, while destinations are at their first 0. */
export function awaitClosedSum(scraper: Queryable): Promise<void> {
  const sum = (name: string) => `sum by (job, interface) (${name})`
  const listed = `${sum('egress_packets_total')} + ${sum('egress_unlisted_packets_total')}`
  const closed = `${listed} + ${sum('egress_withheld_packets')} == ${sum('egress_interface_packets_total')}`
  return eventually(() =>
    assert.notDeepEqual(scraper.query(`(${closed}) and (${sum('egress_withheld_packets')} > 0)`), []),
  )
}

/** Awaits that somebody comes each second to all of its targets, and that the exporter knows this. */
export function awaitRhythm(scraper: Queryable): Promise<void> {
  const name = 'egress_zero_first_seconds'
  const regular = `count(count_over_time(${name}[5s]) >= 3) == count(${name})`
  return eventually(() => assert.notDeepEqual(scraper.query(`(${regular}) and max(${name}) < 5`), []))
}

/** Keeps two namespaces from each other for so long. */
export async function breakNetwork({ peer }: Network, seconds: number, meanwhile: () => void): Promise<void> {
  const chains = [
    'add table inet break',
    'add chain inet break in { type filter hook input priority 0; }',
    'add chain inet break out { type filter hook output priority 0; }',
    'add rule inet break in iifname veth1 drop',
    'add rule inet break out oifname veth1 drop',
  ]
  peer.run(['nft', '-f', '-'], chains.join('\n'))
  const ends = sleep(seconds * 1000)
  meanwhile()
  await ends
  peer.run(['nft', 'delete', 'table', 'inet', 'break'])
}

/** Gives the peer another address, and returns when the host can reach it there. */
export function renumber({ host, peer }: Network, address: string): void {
  peer.ip(`addr add ${address}/24 dev veth1`)
  peer.ip(`addr del ${addresses.peer.v4}/24 dev veth1`)
  // The other addresses of a subnet go with its first.
  peer.ip(`addr replace ${address}/24 dev veth1`)
  const [link] = JSON.parse(peer.ip('-j link show dev veth1'))
  host.ip(`neigh replace ${address} lladdr ${link.address} dev veth0 nud permanent`)
}

/** An nginx that hands on what comes: by a connection for each scrape, as it does by default, or by kept ones. */
export function startNginx(
  t: Teardown,
  host: Namespace,
  upstream: string,
  ports: { closing: number; keeping: number },
): Running {
  const folder = temporaryFolder(t)
  const { host: to } = new URL(upstream)
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  writeFileSync(
    join(folder, 'nginx.conf'),
    `
daemon off; worker_processes 1; user root; pid ${folder}/pid; error_log stderr;
events {}
http {
  access_log off;
  ${paths.map((path) => `${path}_temp_path ${folder}/${path};`).join('\n  ')}
  upstream kept { server ${to}; keepalive 16; }
  server { listen 127.0.0.1:${ports.closing}; location / { proxy_pass http://${to}; } }
  server {
    listen 127.0.0.1:${ports.keeping};
    location / { proxy_pass http://kept; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`,
  )
  return run(t, host, ['/usr/sbin/nginx', '-c', `${folder}/nginx.conf`, '-p', folder])
}
