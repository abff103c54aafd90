import { addresses } from '../support/network.js'
import type { Ends, Kind } from './kind.js'

const ends = [
  ['host', 'peer', 1],
  ['peer', 'host', 2],
] as const
const key = `aead rfc4106(gcm(aes)) 0x${'11'.repeat(20)} 128`

/** Headers and initialisation vector, at most three bytes of padding, trailer and checksum. */
const inTunnel = [14 + 20 + 16 + 2 + 16, 14 + 20 + 16 + 3 + 2 + 16] as const

/** ESP between the two, by policy or, with an id, for an xfrm or vti interface. */
function protect({ host, peer, teardown }: Ends, mode: 'transport' | 'tunnel', id = ''): void {
  for (const [own, other, number] of ends) {
    const [end, from, to] = [{ host, peer }[own], addresses[own].v4, addresses[other].v4]
    const state = (src: string, dst: string, spi: number) =>
      `xfrm state add src ${src} dst ${dst} proto esp spi ${spi} reqid 1 mode ${mode} ${key} ${id}`
    const policy = (direction: 'in' | 'out', src: string, dst: string) => {
      const selector = id ? 'src 0.0.0.0/0 dst 0.0.0.0/0' : `src ${src}/32 dst ${dst}/32`
      return `xfrm policy add ${selector} dir ${direction} ${id} tmpl src ${src} dst ${dst} proto esp reqid 1 mode ${mode}`
    }
    const lines = [
      ...[state(from, to, 256 + number), state(to, from, 256 + 3 - number)],
      ...[policy('out', from, to), policy('in', to, from)],
    ]
    end.run(['ip', '-batch', '-'], `${lines.join('\n')}\n`)
    teardown(() => end.run(['ip', '-batch', '-'], 'xfrm state flush\nxfrm policy flush\n'))
  }
}

// Sockets refuse buffers of datagrams there (EIO).
const esp = (what: string, more: Partial<Kind> = {}): Kind => ({
  what,
  device: 'veth0',
  families: ['v4'],
  traffic: 'udp,tcp',
  prepare: (ends) => protect(ends, 'transport'),
  ...more,
})

/** Where the exporter's counts differ from a witness's, as documented; and what comes before those. */
export const known: readonly Kind[] = [
  {
    what: 'ifb, egress shaping',
    host: ['link add ifb7 type ifb', 'link set ifb7 up'],
    device: 'veth0',
    prepare: ({ host, teardown }) => {
      host.run(['tc', 'qdisc', 'add', 'dev', 'veth0', 'clsact'])
      const match = ['protocol', 'all', 'u32', 'match', 'u32', '0', '0']
      const action = ['action', 'mirred', 'egress', 'redirect', 'dev', 'ifb7']
      teardown(() => host.run(['tc', 'qdisc', 'delete', 'dev', 'veth0', 'clsact']))
      host.run(['tc', 'filter', 'add', 'dev', 'veth0', 'egress', ...match, ...action])
    },
    known: {
      differences: ['packets', 'bytes', 'beneath packets', 'beneath bytes'],
      reason: 'each packet leaves twice: to the ifb, and after it',
    },
  },
  // The module for offloading stays once it is loaded: these come first.
  esp('ESP, transport mode'),
  {
    what: 'xfrm interface, ESP in tunnel mode',
    // It learns what ESP takes by packets that do not fit: they count, and do not leave.
    both: ['link add xf0 mtu 1400 type xfrm dev {dev} if_id 5'],
    device: 'xf0',
    families: ['v4'],
    traffic: 'udp,tcp',
    prepare: (ends) => protect(ends, 'tunnel', 'if_id 5'),
    witness: inTunnel,
  },
  {
    what: 'vti',
    both: ['link add vti1 mtu 1400 type vti local {l4} remote {r4} key 6'],
    device: 'vti1',
    families: ['v4'],
    traffic: 'udp,tcp',
    prepare: (ends) => protect(ends, 'tunnel', 'mark 6 mask 0xffffffff'),
    witness: inTunnel,
  },
  esp('ESP with esp4_offload', {
    prepare: (ends) => {
      ends.host.run(['modprobe', 'esp4_offload'])
      protect(ends, 'transport')
    },
    known: {
      differences: ['bytes', 'beneath bytes'],
      reason: 'padding, trailer and checksum are added after TC egress',
    },
  }),
]
