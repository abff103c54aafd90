import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { eventually } from '../../support/await.js'
import { destination, program, startExporter } from '../../support/exporter.js'
import { temporaryFolder } from '../../support/memory.js'
import { addresses, createNetwork } from '../../support/network.js'

t.test('starts, serves, remembers and stops', async (t) => {
  const { host, up } = createNetwork(t)
  const address = addresses.peer.v4
  const flags = ['--interface=veth0', `--storage.path=${temporaryFolder(t)}`]
  const remembered = () => {
    const [node, ...args] = [...program, 'destinations', '--json', ...flags.slice(1)]
    const { status, stdout, stderr } = spawnSync(node, args, { encoding: 'utf8' })
    t.equal(status, 0, stderr)
    return JSON.parse(stdout)
  }

  const first = await startExporter(t, host, ...flags)
  up()
  host.traffic(`udp ${address} 443 13 100`)
  t.match(destination(await first.settled(), address), { packets: 13 })
  t.equal(await first.stop(), 0)
  t.match(remembered(), [{ interface: 'veth0', destination: address, packets: 13, status: 'new' }])

  const second = await startExporter(t, host, ...flags)
  host.traffic(`udp ${address} 443 17 100`)
  await eventually(() => assert.equal(destination(second.samples(), address).packets, 17))
  t.match(second.get(), /^egress_new_destinations_total\{interface="veth0"\} 1$/m, 'it is new once')
  t.equal(await second.stop(), 0)
  t.match(remembered(), [{ destination: address, packets: 30, status: 'new' }])
})
