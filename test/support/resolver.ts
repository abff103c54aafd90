import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { eventually } from './await.js'
import type { RunningExporter } from './exporter.js'
import type { Namespace } from './network.js'

interface Teardown {
  teardown(action: () => unknown): void
}

/**
 * Debian's dnsmasq as a resolver that knows these names alone, until the test ends.
 *
 * @param records flags such as `--host-record=NAME,ADDRESS` and `--cname=ALIAS,NAME`
 */
export async function startResolver(
  t: Teardown,
  namespace: Namespace,
  address: string,
  ...records: string[]
): Promise<void> {
  const settings = ['--conf-file=/dev/null', '--no-resolv', '--no-hosts', '--pid-file=', '--user=root']
  const [file, args] = namespace.command(
    ...['/usr/sbin/dnsmasq', '--keep-in-foreground', '--bind-dynamic', `--listen-address=${address}`],
    ...settings,
    ...records,
  )
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = once(child, 'exit')
  t.teardown(async () => {
    child.kill()
    await ended
  })
  // It answers itself before anybody can see an answer on a wire.
  await eventually(() => namespace.run(['sh', '-c', `ss -Hlun 'sport = :53' | grep -q '${address}:53'`]))
}

/** Asks a resolver, as a user does. @returns what `dig +short` says */
export const dig = (namespace: Namespace, server: string, ...query: string[]): string[] =>
  namespace
    .run(['dig', '+short', '+time=5', `@${server}`, ...query])
    .trim()
    .split('\n')

/** The names of destinations, as the API has them. */
export function namesOf(exporter: RunningExporter): Record<string, string | null> {
  const list = new URL('/api/v1/destinations?sort=destination', exporter.url).href
  const { destinations } = JSON.parse(exporter.get(list)) as {
    destinations: { destination: string; name: string | null }[]
  }
  return Object.fromEntries(destinations.map(({ destination, name }) => [destination, name]))
}
