import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'

// What Linux 5.4 knows: include/uapi/linux/bpf.h of that release.
const lastHelper = 110 // BPF_FUNC_tcp_gen_syncookie
const lastMapType = 25 // BPF_MAP_TYPE_DEVMAP_HASH
/** struct __sk_buff up to gso_segs. */
const fields = [
  ...[
    'len',
    'pkt_type',
    'mark',
    'queue_mapping',
    'protocol',
    'vlan_present',
    'vlan_tci',
    'vlan_proto',
    'priority',
  ],
  ...[
    'ingress_ifindex',
    'ifindex',
    'tc_index',
    'cb',
    'hash',
    'tc_classid',
    'data',
    'data_end',
    'napi_id',
    'family',
  ],
  ...[
    'remote_ip4',
    'local_ip4',
    'remote_ip6',
    'local_ip6',
    'remote_port',
    'local_port',
    'data_meta',
    'flow_keys',
  ],
  ...['tstamp', 'wire_len', 'gso_segs'],
]

/** Where gso_segs ends and what came later begins; gso_size lies at 176, since 5.7. */
const oldSize = 168
const gsoSizeOffset = 176
/** Entries for kernels that have gso_size; all else must do without. */
const newEntries = ['egress_ethernet', 'egress_ip']

const source = readdirSync('bpf')
  .map((file) => readFileSync(`bpf/${file}`, 'utf8'))
  .join('\n')
const object = 'build/Release/obj/gen/egress.bpf.o'
const code = execFileSync('llvm-objdump', ['-d', object], { encoding: 'utf8' })

t.test('no helper is newer than Linux 5.4', async (t) => {
  // BPF_JMP | BPF_CALL; a source register of 1 would be a call of our own function.
  const calls = code.matchAll(/\t85 00 00 00 (\w\w) (\w\w) (\w\w) (\w\w)/g)
  const helpers = [...calls].map(([, ...bytes]) => Buffer.from(bytes.join(''), 'hex').readUInt32LE())
  t.ok(helpers.length > 10, `${helpers.length} calls`)
  t.same(
    helpers.filter((id) => id > lastHelper),
    [],
  )
})

t.test('no field of __sk_buff is newer, but gso_size, where it is known', async (t) => {
  const used = [...source.matchAll(/\bskb->(\w+)/g)].map(([, field]) => field ?? '')
  t.ok(used.length > 10)
  t.same(
    used.filter((field) => !fields.includes(field)),
    ['gso_size'],
  )
  // Nothing else that the program points to is as large.
  const late = new Map(
    [...functions()].map(([name, lines]) => {
      const offsets = [...lines.matchAll(/\(r\d \+ (\w+)\)/g)].map(([, offset]) => Number(offset))
      return [name, [...new Set(offsets.filter((offset) => offset >= oldSize))]]
    }),
  )
  for (const entry of ['egress_eth_old', 'egress_ip_old', 'measure_segments'])
    t.ok(late.has(entry), `${entry} was looked at`)
  for (const [name, offsets] of late) t.same(offsets, newEntries.includes(name) ? [gsoSizeOffset] : [], name)
})

/** The instructions of each function. */
function functions(): Map<string, string> {
  const parts = code.split(/^[0-9a-f]+ <(?!LBB)(\w+)>:$/m).slice(1)
  const names = parts.filter((_, index) => index % 2 === 0)
  return new Map(names.map((name, index) => [name, parts[2 * index + 1] ?? '']))
}

t.test('no map type is newer', async (t) => {
  const header = readFileSync('/usr/include/linux/bpf.h', 'utf8')
  const known = [...header.matchAll(/^\t(BPF_MAP_TYPE_\w+)[,\s=]/gm)].map(([, name]) => name ?? '')
  const used = [...source.matchAll(/\b(BPF_MAP_TYPE_\w+)/g)].map(([, name]) => name ?? '')
  t.ok(used.length >= 7)
  for (const name of used) t.ok(known.indexOf(name) >= 0 && known.indexOf(name) <= lastMapType, name)
})

t.test('no atomic but addition without a result', async (t) => {
  t.match(code, /\block \*\(u64 \*\)\(r\d \+ \d+\) \+= r\d/)
  t.notMatch(code, /atomic_fetch|xchg/)
})
