import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

interface Teardown {
  teardown(action: () => unknown): void
}

const foreignSource = fileURLToPath(new URL('./foreign.bpf.c', import.meta.url))
const tcxScript = fileURLToPath(new URL('./tcx.py', import.meta.url))
const trafficScript = fileURLToPath(new URL('./traffic.py', import.meta.url))

type ForeignProgram = 'drop' | 'deny' | 'tag' | 'trim' | 'grow' | 'gre'

/** Compiles foreign.bpf.c into a folder that goes with the test. */
function compileForeign(t: Teardown, target = 1): string {
  const folder = mkdtempSync(join(tmpdir(), 'egress-foreign-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const object = join(folder, 'foreign.o')
  const include = `/usr/include/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`
  const flags = ['-O2', '-g', '-target', 'bpf', '-idirafter', include, `-DTARGET_IFINDEX=${target}`]
  execFileSync('clang', [...flags, '-c', foreignSource, '-o', object])
  return object
}

/** A network namespace that the test made. */
export class Namespace {
  readonly name: string

  constructor(t: Teardown, label: string) {
    this.name = `egress-${label}-${randomBytes(4).toString('hex')}`
    execFileSync('ip', ['netns', 'add', this.name])
    t.teardown(() => execFileSync('ip', ['netns', 'delete', this.name]))
    this.ip('link set lo up')
  }

  /** The command line that runs a command inside; nsenter leaves /sys and so bpffs as they are. */
  command(...command: string[]): [string, string[]] {
    return ['nsenter', [`--net=/run/netns/${this.name}`, ...command]]
  }

  /** Runs a command inside and returns its standard output. */
  run(command: string[], input = ''): string {
    const [file, args] = this.command(...command)
    return execFileSync(file, args, {
      encoding: 'utf8',
      input,
      stdio: ['pipe', 'pipe', 'pipe'],
      maxBuffer: 2 ** 28,
    })
  }

  ip(args: string): string {
    return this.run(['ip', ...args.split(' ')])
  }

  traffic(args: string, input = ''): string {
    return this.run(['python3', trafficScript, ...args.split(' ')], input)
  }

  /** Starts a traffic command that says "ready", and awaits that word. */
  async startTraffic(
    t: Teardown,
    args: string,
  ): Promise<{ child: ChildProcess; lines: string[]; ended: Promise<void> }> {
    const [file, command] = this.command('python3', trafficScript, ...args.split(' '))
    const child = spawn(file, command, { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
    t.teardown(() => child.kill() && ended)
    const lines: string[] = []
    await new Promise<void>((resolve, reject) => {
      child.once('close', () => reject(new Error(`${args} ended before it was ready`)))
      createInterface({ input: child.stdout }).on('line', (line) =>
        line === 'ready' ? resolve() : lines.push(line),
      )
    })
    return { child, lines, ended }
  }

  /** Attaches a program of foreign.bpf.c at a device's clsact egress, as somebody else would. */
  attachForeign(
    t: Teardown,
    device: string,
    section: ForeignProgram,
    target = 1,
    priority?: number,
    handle?: string,
  ): void {
    const object = compileForeign(t, target)
    this.run(['tc', 'qdisc', 'replace', 'dev', device, 'clsact'])
    const filter = ['tc', 'filter', 'add', 'dev', device, 'egress', 'bpf', 'direct-action']
    if (priority !== undefined) filter.splice(-2, 0, 'pref', String(priority))
    if (handle !== undefined) filter.splice(-2, 0, 'handle', handle)
    this.run([...filter, 'obj', object, 'sec', section])
  }

  /** The same at its TCX egress, until the test ends. */
  async attachForeignTcx(
    t: Teardown,
    device: string,
    section: ForeignProgram,
    place: 'head' | 'tail',
  ): Promise<void> {
    const args = [compileForeign(t), `foreign_${section}`, device, place]
    const [file, command] = this.command('python3', tcxScript, ...args)
    const child = spawn(file, command, { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(child, 'close')
    t.teardown(() => child.kill() && ended)
    await Promise.race([
      once(child.stdout, 'data'),
      ended.then(() => Promise.reject(new Error('not attached'))),
    ])
  }

  ifindex(device: string): number {
    return JSON.parse(this.ip(`-j link show dev ${device}`))[0].ifindex
  }

  /** What the device itself says that it sent. */
  sent(device: string): { packets: number; bytes: number } {
    const [link] = JSON.parse(this.ip(`-j -s link show dev ${device}`))
    return { packets: link.stats64.tx.packets, bytes: link.stats64.tx.bytes }
  }
}

/** Brings a device up that sends nothing of its own: IPv6, with its discovery, is off. */
export function silence(host: Namespace, device: string): void {
  host.run(['sysctl', '-q', '-w', `net.ipv6.conf.${device}.disable_ipv6=1`])
  host.ip(`link set ${device} up`)
}

/** A host with a veth pair whose ends send nothing of their own. */
export function silentPair(t: Teardown, device: string): Namespace {
  const host = new Namespace(t, 'silent')
  host.ip(`link add ${device} type veth peer name far`)
  for (const end of [device, 'far']) silence(host, end)
  return host
}

/** A host with one interface, veth0, whose other end is veth1 in a namespace of its own. */
export interface Network {
  readonly host: Namespace
  readonly peer: Namespace
  /** Brings both ends up. Before this nothing has left veth0, not even neighbour discovery. */
  up(): void
}

/** The host's addresses end in 1, the peer's in 2; further documentation ranges lie behind the peer. */
export const addresses = {
  host: { v4: '198.51.100.1', v6: '2001:db8:51::1' },
  peer: { v4: '198.51.100.2', v6: '2001:db8:51::2' },
} as const

export const mac = { host: '02:00:00:00:00:01', peer: '02:00:00:00:00:02' } as const

export function createNetwork(t: Teardown): Network {
  const host = new Namespace(t, 'host')
  const peer = new Namespace(t, 'peer')
  host.ip(
    `link add veth0 address ${mac.host} type veth peer name veth1 address ${mac.peer} netns ${peer.name}`,
  )
  for (const [end, device, own] of [
    [host, 'veth0', addresses.host],
    [peer, 'veth1', addresses.peer],
  ] as const) {
    end.ip(`addr add ${own.v4}/24 dev ${device}`)
    end.ip(`addr add ${own.v6}/64 dev ${device} nodad`)
  }
  return {
    host,
    peer,
    up() {
      // Neighbours that are known need no solicitation, which would be one more packet to an address.
      learn(peer, 'veth1', 'host')
      learn(host, 'veth0', 'peer')
      peer.ip('link set veth1 up')
      host.ip('link set veth0 up')
      host.ip(`route add default via ${addresses.peer.v4}`)
      host.ip(`route add default via ${addresses.peer.v6}`)
    },
  }
}

function learn(namespace: Namespace, device: string, other: keyof typeof addresses): void {
  for (const address of Object.values(addresses[other])) {
    namespace.ip(`neigh replace ${address} lladdr ${mac[other]} dev ${device} nud permanent`)
  }
}

/** The bytes of a MAC address, as hexadecimal. */
const hexMac = (address: string) => address.replaceAll(':', '')

/** An Ethernet frame from host to peer, in hexadecimal: EtherTypes (and tags) before the payload. */
export function ethernetFrame(headers: string, payload: string): string {
  return hexMac(mac.peer) + hexMac(mac.host) + headers.replaceAll(' ', '') + payload.replaceAll(' ', '')
}
