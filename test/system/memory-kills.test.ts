import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import t from 'tap'
import { eventually } from '../support/await.js'
import { parseSamples, startExporter } from '../support/exporter.js'
import { temporaryFolder } from '../support/memory.js'
import { silentPair } from '../support/network.js'
import { addresses, auditEventsIn, sendTo, soundness, stored, told } from '../support/remembering.js'

const firstSeen = /^egress_destination_first_seen_timestamp_seconds.*destination="(.*)"/

t.test('killed at any moment, it has remembered what it showed, and tells all of it', async (t) => {
  const host = silentPair(t, 'veth0')
  const folder = temporaryFolder(t)
  const file = join(folder, 'audit')
  const flags = [
    '--interface=veth0',
    `--storage.path=${folder}`,
    `--audit.file=${file}`,
    '--poll.interval=1s',
  ]
  const start = () => startExporter(t, host, ...flags)
  const shown = new Map<string, number>()
  const scrape = async (url: string) => {
    const [command, args] = host.command('curl', '--silent', '--fail', url)
    const page = await promisify(execFile)(command, args).catch(() => ({ stdout: '' })) // it was killed
    for (const [series, seconds] of parseSamples(page.stdout)) {
      const destination = firstSeen.exec(series)?.[1]
      if (destination !== undefined) shown.set(destination, seconds)
    }
  }
  const rounds = 10
  const each = 23
  let scrapeMs = 0
  for (let round = 0; round < rounds; round++) {
    const { child, url } = await start()
    const exited = once(child, 'exit')
    sendTo(host, ...addresses(each, 1 + round * each))
    const began = performance.now()
    if (round === 0) await scrape(url)
    scrapeMs ||= performance.now() - began
    void sleep(Math.random() * 3 * scrapeMs).then(() => child.kill('SIGKILL'))
    while (child.signalCode === null) await scrape(url)
    await exited
  }
  t.ok(shown.size > 0, `${shown.size} of ${rounds * each} destinations were shown`)
  const last = await start()
  const remembered = Object.keys(stored(folder))
  t.same(
    [...shown.keys()].filter((destination) => !remembered.includes(destination)),
    [],
  )
  const after = parseSamples(last.get())
  for (const [series, seconds] of after) {
    const before = shown.get(firstSeen.exec(series)?.[1] ?? '')
    if (before !== undefined) t.equal(seconds, before, series)
  }
  await eventually(() => assert.deepEqual(told(auditEventsIn(file)), remembered))
  t.equal(await last.stop(), 0)
  t.equal(soundness(folder), 'ok')
})
