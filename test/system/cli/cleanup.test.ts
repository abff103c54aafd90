import { spawnSync } from 'node:child_process'
import t from 'tap'
import { program, startExporter } from '../../support/exporter.js'
import { Namespace, silentPair } from '../../support/network.js'

function cleanup(
  host: Namespace,
  ...flags: string[]
): { status: number | null; stdout: string; stderr: string } {
  const [file, args] = host.command(...program, 'cleanup', ...flags)
  return spawnSync(file, args, { encoding: 'utf8' })
}

const filters = (host: Namespace) => host.run(['tc', 'filter', 'show', 'dev', 'lan0', 'egress'])

t.test('removes what a killed run left, and nothing else', async (t) => {
  const host = silentPair(t, 'lan0')
  t.match(cleanup(host), { status: 0, stdout: 'nothing is left behind\n' })

  host.attachForeign(t, 'lan0', 'drop')
  const exporter = await startExporter(t, host, '--interface=lan0', '--bpf.mode=clsact')
  const inUse = cleanup(host)
  t.equal(inUse.status, 0)
  t.match(inUse.stdout, `left alone: the filter on lan0`)
  t.match(inUse.stdout, `which process ${exporter.child.pid} uses`)
  t.match(filters(host), 'handle 0x65677265', 'a running exporter keeps its filter')

  await exporter.kill()
  t.match(
    cleanup(host, '--dry-run').stdout,
    /^would remove the filter on lan0 \(clsact egress, BPF program \d+\)\n$/,
  )
  t.match(filters(host), 'handle 0x65677265')
  t.match(cleanup(host).stdout, /^removed the filter on lan0 /)
  t.notMatch(filters(host), 'handle 0x65677265')
  t.match(filters(host), 'foreign.o:[drop]', 'the foreign filter stays')
  t.match(cleanup(host), { status: 0, stdout: 'nothing is left behind\n' })
})

t.test('a filter that only looks like ours stays', async (t) => {
  const host = silentPair(t, 'lan0')
  host.attachForeign(t, 'lan0', 'drop')
  const before = filters(host)
  t.match(cleanup(host), { status: 0, stdout: 'nothing is left behind\n' })
  t.equal(filters(host), before)
})

t.test('wrong usage', async (t) => {
  const host = new Namespace(t, 'usage')
  t.match(cleanup(host, '--dry'), {
    status: 2,
    stderr: "egress-exporter: unknown option '--dry'; see --help\n",
  })
  t.match(cleanup(host, 'eth0'), { status: 2, stderr: /too many arguments/ })
})
