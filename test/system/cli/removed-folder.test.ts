import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { eventually, hangMs } from '../../support/await.js'
import {
  destination,
  exporterCommand,
  modes,
  type RunningExporter,
  startExporter,
} from '../../support/exporter.js'
import { temporaryFolder } from '../../support/memory.js'
import { silentPair } from '../../support/network.js'
import { pinFolder, pinsIn } from '../../support/pins.js'
import { remembers, sendTo, soundness, stored } from '../../support/remembering.js'

// Somebody removes the folder of an exporter that runs.

const [old, own, theirs] = ['203.0.113.1', '203.0.113.2', '203.0.113.3'] as const
const storedAre = (storage: string, ...destinations: string[]) =>
  eventually(() => assert.deepEqual(Object.keys(stored(storage)), destinations))
const announces = (exporter: RunningExporter, ...destinations: string[]) =>
  eventually(() => assert.deepEqual(remembers(exporter.samples()).announced, destinations))

/** Exporters of two hosts that are given the same storage. */
function twoHosts(t: Parameters<typeof silentPair>[0]) {
  const storage = join(temporaryFolder(t), 'storage')
  const flags = ['--interface=veth0', `--storage.path=${storage}`, '--poll.interval=1s']
  const hosts = [silentPair(t, 'veth0'), silentPair(t, 'veth0')] as const
  return { storage, flags, hosts, start: (host: 0 | 1) => startExporter(t, hosts[host], ...flags) }
}

t.test(
  'a second exporter takes a removed storage folder: the first one says so, and leaves it alone',
  async (t) => {
    const { storage, hosts, start } = twoHosts(t)
    const first = await start(0)
    sendTo(hosts[0], old)
    await storedAre(storage, old)
    first.child.kill('SIGSTOP') // else it may be quicker, and keep the second one out
    rmSync(storage, { recursive: true })
    const second = await start(1)
    first.child.kill('SIGCONT')
    sendTo(hosts[1], theirs)
    sendTo(hosts[0], own)
    await eventually(() =>
      assert.match(
        first.log().join('\n'),
        new RegExp(
          `level=error .* reason="--storage.path \\S+: process ${second.child.pid} remembers there already`,
        ),
      ),
    )
    await announces(first, old, own)
    t.equal(remembers(first.samples()).degraded, 1)
    await announces(second, theirs)
    t.same(Object.keys(stored(storage)), [theirs])

    // It is free again.
    t.equal(await second.stop(), 0)
    await storedAre(storage, old, own, theirs)
    t.equal(remembers(first.samples()).degraded, 0)
    t.equal(await first.stop(), 0)
    t.equal(soundness(storage), 'ok')
  },
)

t.test('a storage folder that is there again keeps a second exporter out', async (t) => {
  const { storage, flags, hosts, start } = twoHosts(t)
  const first = await start(0)
  sendTo(hosts[0], old)
  await storedAre(storage, old)
  rmSync(storage, { recursive: true })
  await storedAre(storage, old)
  const [file, args] = hosts[1].command(...exporterCommand(...flags))
  const { status, stderr } = spawnSync(file, args, { encoding: 'utf8', timeout: hangMs })
  t.equal(status, 1)
  t.match(stderr, `process ${first.child.pid} remembers there already`)
  t.equal(await first.stop(), 0)
})

for (const mode of modes)
  t.test(
    `${mode}: a second exporter takes a removed folder of pins: each counts, and its pins stay`,
    async (t) => {
      const host = silentPair(t, 'veth0')
      host.ip('link add veth1 type veth peer name far1')
      const pins = pinFolder(t, host)
      const flags = [`--bpf.mode=${mode}`, `--bpf.pin-path=${pins}`]
      const first = await startExporter(t, host, '--interface=veth0', ...flags)
      first.child.kill('SIGSTOP') // as above
      rmSync(pins, { recursive: true })
      const second = await startExporter(t, host, '--interface=veth1', ...flags)
      first.child.kill('SIGCONT')
      await eventually(() =>
        assert.match(
          first.log().join('\n'),
          new RegExp(
            `cannot be pinned: .* pins=${pins} reason="lock pins ${pins}: .*process ${second.child.pid}`,
          ),
        ),
      )
      const pinned = readdirSync(pinsIn(pins))
      t.equal(first.samples().get('egress_pinned'), 0)
      t.equal(second.samples().get('egress_pinned'), 1)
      sendTo(host, old)
      t.equal(destination(first.samples(), old).packets, 1)

      t.equal(await first.stop(), 0)
      t.match(first.log().at(-1), /level=warn msg="counting ends where it is not pinned"/)
      t.same(readdirSync(pinsIn(pins)), pinned)
      t.equal(await second.stop(), 0)
      t.match(second.log().at(-1), /counting goes on without the exporter, by its pins/)
    },
  )
