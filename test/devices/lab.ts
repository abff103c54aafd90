import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { eventually } from '../support/await.js'
import { type Counts, type RunningExporter, startExporter } from '../support/exporter.js'
import { addresses, createNetwork, mac, type Namespace, type Network } from '../support/network.js'
import type { Ends, Kind, Teardown } from './kind.js'

const script = fileURLToPath(new URL('./send.py', import.meta.url))

/** Whatever would let the device cut a buffer or insert a tag, so that its own statistics do not see it. */
const offloads = [
  ...['tso', 'tx-udp-segmentation', 'tx-udp_tnl-segmentation', 'tx-udp_tnl-csum-segmentation'],
  ...['tx-gre-segmentation', 'tx-gre-csum-segmentation', 'tx-ipxip4-segmentation', 'tx-ipxip6-segmentation'],
  ...['tx-sctp-segmentation', 'txvlan', 'tx-vlan-stag-hw-insert'],
]

/** What both say of the host's devices at one moment. */
export interface Look {
  readonly samples: Map<string, number>
  readonly own: Map<string, Counts>
}

/** Runs a command of send.py to its end. */
export function traffic(end: Namespace, args: readonly string[], input = ''): void {
  end.run(['python3', script, ...args], input)
}

/** The two hosts, and the exporter on all devices of one. */
export class Lab {
  readonly #network: Network
  readonly #exporter: RunningExporter

  private constructor(network: Network, exporter: RunningExporter) {
    this.#network = network
    this.#exporter = exporter
  }

  static async create(t: Teardown): Promise<Lab> {
    const network = createNetwork(t)
    for (const [end, device] of [
      [network.host, 'veth0'],
      [network.peer, 'veth1'],
    ] as const) {
      // What devices say of their own accord is counted like all else, but makes the figures restless.
      const silent = ['router_solicitations=0', 'accept_dad=0', 'addr_gen_mode=1']
      for (const name of ['default', device])
        end.run(['sysctl', '-q', '-w', ...silent.map((setting) => `net.ipv6.conf.${name}.${setting}`)])
      end.run(['sysctl', '-q', '-w', 'net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.default.rp_filter=0'])
    }
    cutInSoftware(network.host, 'veth0')
    const flags = ['--interface=*', '--interface.exclude=lo', '--destinations.exclude=none']
    const exporter = await startExporter(t, network.host, ...flags)
    network.up()
    const lab = new Lab(network, exporter)
    await lab.#ends(t).start(network.peer, 'sink')
    return lab
  }

  /** Both of one moment: nothing leaves meanwhile. */
  look(): Promise<Look> {
    return eventually(() => {
      const own = sent(this.#network.host)
      const samples = this.#exporter.samples()
      assert.deepEqual(sent(this.#network.host), own)
      return { samples, own }
    })
  }

  /** Makes the kind's devices, which nothing leaves before they are counted on; and then sends.
   * @returns how it was before that */
  async run(t: Teardown, kind: Kind, number: number): Promise<Look> {
    const { host, peer } = this.#network
    const ends = this.#ends(t)
    t.teardown(() => removeLinks(host))
    t.teardown(() => removeLinks(peer))
    if (kind.pair) {
      host.ip(`link add w0 type veth peer name w1 netns ${peer.name}`)
      cutInSoftware(host, 'w0')
      await this.#counted('w0')
      peer.ip('link set w1 up')
    }
    batch(host, [...(kind.both ?? []), ...(kind.host ?? [])], 'host', number)
    batch(peer, [...(kind.both ?? []), ...(kind.peer ?? [])], 'peer', number)
    await kind.prepare?.(ends)
    await this.#counted(kind.device)
    this.#bringUp(host, kind.device, 'host', kind, number)
    if (!kind.alone) this.#bringUp(peer, kind.peerDevice ?? kind.device, 'peer', kind, number)
    await kind.first?.(ends, targets(kind, number))
    const before = await this.look()
    if (kind.send) await kind.send(ends, targets(kind, number))
    else traffic(host, ['send', kind.traffic ?? 'udp,gso,tcp', kind.bind ?? '', ...targets(kind, number)])
    return before
  }

  #bringUp(end: Namespace, device: string, place: 'host' | 'peer', kind: Kind, number: number): void {
    const up = [
      `addr add 198.18.{n}.{l}/24 dev ${device}`,
      `addr add 2001:db8:a{n}::{l}/64 dev ${device} nodad`,
      `link set ${device} up`,
    ]
    batch(end, [...(kind.device === 'veth0' ? [] : up), ...(kind.finish ?? [])], place, number)
  }

  #counted(device: string): Promise<void> {
    return eventually(() => {
      const info = `egress_interface_info{interface="${device}",`
      if (![...this.#exporter.samples().keys()].some((series) => series.startsWith(info)))
        throw new Error(`${device} is not counted on: ${this.#exporter.log().slice(-3).join('\n')}`)
    })
  }

  #ends(t: Teardown): Ends {
    const { host, peer } = this.#network
    const start = async (end: Namespace, ...command: string[]) => {
      const [file, args] = end.command('python3', script, ...command)
      const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
      const ended = once(child, 'close')
      t.teardown(() => child.kill() && ended)
      let words = ''
      child.stderr.on('data', (data) => (words += data))
      const failed = ended.then(() => Promise.reject(new Error(`${command.join(' ')} ended: ${words}`)))
      await Promise.race([once(child.stdout, 'data'), failed])
    }
    return { host, peer, start, teardown: (action) => t.teardown(action) }
  }
}

/** What each device itself says that it sent. */
function sent(end: Namespace): Map<string, Counts> {
  const links: { ifname: string; stats64: { tx: Counts } }[] = JSON.parse(end.ip('-j -s link show'))
  // The exporter's pages leave by lo.
  const others = links.filter(({ ifname }) => ifname !== 'lo')
  return new Map(
    others.map(({ ifname, stats64: { tx } }) => [ifname, { packets: tx.packets, bytes: tx.bytes }]),
  )
}

/** To whom the kind's packets go. */
export function targets({ device, families = ['v4', 'v6'] }: Kind, number: number): string[] {
  const inner = { v4: `198.18.${number}.2`, v6: `2001:db8:a${number}::2` }
  return families.map((family) => (device === 'veth0' ? addresses.peer : inner)[family])
}

/** Lets the stack cut each buffer and insert each tag before the device has it. */
export function cutInSoftware(host: Namespace, device: string): void {
  host.run([
    'sh',
    '-c',
    `ethtool -K ${device} gso on ${offloads.map((name) => `${name} off`).join(' ')} || true`,
  ])
}

function batch(end: Namespace, lines: readonly string[], place: 'host' | 'peer', number: number): void {
  if (lines.length === 0) return
  const [own, other] = place === 'host' ? (['host', 'peer'] as const) : (['peer', 'host'] as const)
  const values: Record<string, string> = {
    ...{ dev: place === 'host' ? 'veth0' : 'veth1', n: String(number) },
    ...{ l: place === 'host' ? '1' : '2', r: place === 'host' ? '2' : '1' },
    ...{ l4: addresses[own].v4, r4: addresses[other].v4, l6: addresses[own].v6, r6: addresses[other].v6 },
    ...{ rmac: mac[other] },
  }
  const text = lines.join('\n').replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? name)
  end.run(['ip', '-batch', '-'], `${text}\n`)
}

/** All but the pair that is always there. */
function removeLinks(end: Namespace): void {
  const permanent = /^(lo|veth[01]|(gre|gretap|erspan|sit|ip6tnl|ip6gre|tunl|ip_vti|ip6_vti)0)$/
  const links: { ifname: string }[] = JSON.parse(end.ip('-j link show'))
  // The newest first; some go with others.
  for (const { ifname } of links.reverse())
    if (!permanent.test(ifname)) end.run(['sh', '-c', `ip link delete ${ifname} 2>/dev/null || true`])
}
