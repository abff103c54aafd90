import { execFileSync } from 'node:child_process'
import t from 'tap'
import { closedSum, destination, program, startExporter } from '../../support/exporter.js'
import { ethernetFrame, Namespace } from '../../support/network.js'
import { ipv4 } from '../../support/packets.js'

const to = '203.0.113.1'
const frame = ethernetFrame('0800', ipv4({ to }))

/** Runs a line of bash in a namespace: names there may have any bytes. */
const bash = (host: Namespace, line: string) => host.run(['bash', '-c', line])

t.test('names of any bytes are told apart, and every page is UTF-8', async (t) => {
  const host = new Namespace(t, 'names')
  // As bash writes them, as they are shown, and as labels escape that.
  const devices = [
    ["$'a\\xe9\\xe9\\xe9\\xe9\\xe9'", 'a\\xe9\\xe9\\xe9\\xe9\\xe9'],
    ["$'x\\xe8'", 'x\\xe8'],
    ["$'x\\xe9'", 'x\\xe9'],
    [
      "$'\\xff\\xfe\\xfd\\xfc\\xfb\\xfa\\xf9\\xf8\\xf7\\xf6\\xf5\\xf4\\xf3\\xf2\\xf1'",
      '\\xff\\xfe\\xfd\\xfc\\xfb\\xfa\\xf9\\xf8\\xf7\\xf6\\xf5\\xf4\\xf3\\xf2\\xf1',
    ],
    ["$'e\\x1b[31m'", 'e\\x1b[31m'],
    ["$'c\\xc2\\x9b'", 'c\\xc2\\x9b'],
    ["'ü'", 'ü'],
    ["'b\\x41'", 'b\\x5cx41'],
    ["'b\\c'", 'b\\c'],
  ] as const
  devices.forEach(([name], index) => {
    bash(
      host,
      `ip link add name ${name} index ${100 + index} type veth peer name p${index} && ip link set p${index} up && ip link set ${name} addrgenmode none && ip link set ${name} up`,
    )
  })
  const exporter = await startExporter(t, host, '--interface=*', '--interface.exclude={p?,lo}')
  devices.forEach((_, index) => {
    const count = index + 7
    // By its index, which Python's sockets do not take: their names are UTF-8.
    host.run(
      ['python3', '-'],
      `import ctypes, socket, struct
frame = bytes.fromhex("${frame}")
to = struct.pack("=HHiHBB8s", socket.AF_PACKET, 8, ${100 + index}, 0, 0, 6, bytes(8))
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as sender:
    for _ in range(${count}):
        assert ctypes.CDLL(None).sendto(sender.fileno(), frame, len(frame), 0, to, len(to)) == len(frame)
`,
    )
  })
  const page = execFileSync(...curl(host, exporter.url))
  t.doesNotThrow(() => new TextDecoder('utf-8', { fatal: true }).decode(page))
  const samples = exporter.samples()
  devices.forEach(([, shown], index) => {
    const label = shown.replaceAll('\\', '\\\\')
    t.equal(samples.get(`egress_interface_attached{interface="${label}"}`), 1, shown)
    t.equal(destination(samples, to, label).packets, index + 7, shown)
    t.equal(closedSum(samples, label).packets, index + 7, shown)
  })
  const check = host.run([...program, 'check'])
  for (const [, shown] of devices) t.ok(check.includes(`  ${shown} (ether)`), shown)
  t.notMatch(check, '\x1b', 'no terminal is told anything')
  await exporter.stop()

  const named = await startExporter(t, host, '--interface=x\\xe8', '--interface=c?')
  t.same(
    [...named.samples().keys()].filter((series) => series.startsWith('egress_interface_attached')),
    ['x\\\\xe8', 'c\\\\xc2\\\\x9b'].map((label) => `egress_interface_attached{interface="${label}"}`),
  )
})

function curl(host: Namespace, url: string): [string, string[]] {
  return host.command('curl', '--silent', '--fail', url)
}
