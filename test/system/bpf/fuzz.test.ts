import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { eventually } from '../../support/await.js'
import { destinationGroups } from '../../../src/config/destination-groups.js'
import { closedSum, parseSamples, startExporter, total } from '../../support/exporter.js'
import { addresses, createNetwork } from '../../support/network.js'

// BPF_PROG_TEST_RUN of a TC program with a context needs Linux 5.10; which frames come is the same in
// each run.
const script = fileURLToPath(new URL('../../support/fuzz.py', import.meta.url))
const countEach = 350_000

interface Expected {
  /** Packets, bytes, connects, protocol and port. */
  destinations: Record<string, [number, number, number, number, number]>
  unlisted: Record<string, [number, number]>
}

const everything = Object.values(destinationGroups).flat()

/** Each runs its frames through the kernel and through a model of the rules, and compares all counts. */
const cases: [what: string, seed: number, limit: number, flags: string[], settings: object][] = [
  ['as it comes', 1, 65536, [], { excluded: everything, included: [], ownPorts: [32768, 61000] }],
  [
    'replies are aggregated, prefixes lie in prefixes',
    2,
    65536,
    [
      '--destinations.replies=aggregate',
      '--destinations.exclude=0.0.0.0/1,203.0.113.0/24,::/0,2001:db8:8000::/33',
      '--destinations.include=10.0.0.0/8,203.0.113.64/26,2001:db8::/32',
    ],
    {
      excluded: ['0.0.0.0/1', '203.0.113.0/24', '::/0', '2001:db8:8000::/33'],
      included: ['10.0.0.0/8', '203.0.113.64/26', '2001:db8::/32'],
      aggregate: true,
      ownPorts: [32768, 61000],
    },
  ],
  [
    'by prefixes, and the table is full',
    3,
    9,
    [
      '--destinations.aggregate-ipv4=24',
      '--destinations.aggregate-ipv6=36',
      '--destinations.exclude=10.0.0.0/8',
      '--destinations.limit=9',
    ],
    { excluded: ['10.0.0.0/8'], included: [], v4_bits: 24, v6_bits: 36, ownPorts: [32768, 61000] },
  ],
]

for (const [what, seed, limit, flags, settings] of cases) {
  t.test(`${countEach} frames: ${what}`, async (t) => {
    // Scraped from the other side of a wire, so that lo has no traffic of its own.
    const { host, peer, up } = createNetwork(t)
    up()
    const listen = `--web.listen-address=${addresses.host.v4}:0`
    const own = ['--interface=lo', '--destinations.idle-timeout=0', '--bpf.mode=tcx']
    const exporter = await startExporter(t, host, listen, ...own, ...flags)
    const args = [countEach, seed, limit, JSON.stringify(settings)].map(String)
    // The program alone: a full table would be swept meanwhile.
    exporter.child.kill('SIGSTOP')
    const expected = JSON.parse(host.run(['python3', script, ...args])) as Expected
    exporter.child.kill('SIGCONT')
    const samples = await eventually(() => {
      const seen = parseSamples(peer.run(['curl', '--silent', '--fail', exporter.url]))
      assert.deepEqual(closedSum(seen, 'lo'), total(seen, 'lo'))
      return seen
    })

    const found: Expected = { destinations: {}, unlisted: {} }
    for (const [series, value] of samples) {
      const [, name, destination] =
        /^egress_(packets|bytes|tcp_connects)_total\{.*,destination="(.*)"\}$/.exec(series) ?? []
      const column = ['packets', 'bytes', 'tcp_connects'].indexOf(name ?? '')
      if (destination !== undefined) (found.destinations[destination] ??= [0, 0, 0, 0, 0])[column] = value
      const [, unit, reason] =
        /^egress_unlisted_(packets|bytes)_total\{.*,reason="(.*)"\}$/.exec(series) ?? []
      if (reason !== undefined && value > 0)
        (found.unlisted[reason] ??= [0, 0])[unit === 'packets' ? 0 : 1] = value
    }
    const reasons = [
      'excluded',
      'not_ip',
      'malformed',
      ...(seed === 2 ? ['reply'] : []),
      ...(seed === 3 ? ['overflow'] : []),
    ]
    for (const reason of reasons) t.ok((expected.unlisted[reason]?.[0] ?? 0) > 0, `some are ${reason}`)
    t.ok(Object.keys(expected.destinations).length >= Math.min(limit, 60))
    // What the page does not show is left out of the comparison.
    for (const counts of Object.values(expected.destinations)) counts.splice(3, 2, 0, 0)
    const listed = new Map(Object.entries(expected.destinations).sort())
    // A full table makes room for one of nine once the exporter goes on: then that must be there as expired.
    const gone = [...listed].filter(([name]) => !(name in found.destinations))
    t.ok(gone.length <= (seed === 3 ? 1 : 0), `gone: ${gone.join(' ')}`)
    for (const [name, [packets = 0, bytes = 0]] of gone) {
      listed.delete(name)
      expected.unlisted['expired'] = [packets, bytes]
    }
    t.strictSame(new Map(Object.entries(found.destinations).sort()), listed)
    t.strictSame(found.unlisted, Object.fromEntries(Object.entries(expected.unlisted).sort()))
  })
}
