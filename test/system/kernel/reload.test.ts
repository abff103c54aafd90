import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { eventually } from '../../support/await.js'
import {
  closedSum,
  destination,
  parseSamples,
  type RunningExporter,
  startExporter,
  startExporterWith,
  total,
  unlisted,
} from '../../support/exporter.js'
import { temporaryFolder } from '../../support/memory.js'
import { silentPair } from '../../support/network.js'
import { framesTo } from '../../support/packets.js'
import { compilePreload } from '../../support/preload.js'

/** A configuration file that excludes as many prefixes, none of which is another's of another `salt`. */
function prefixes(count: number, salt: number, first = ''): string {
  const lines = Array.from({ length: count }, (_, index) => {
    const number = index + salt * count
    return number % 4 === 3
      ? `  - 2001:db8:${(number >> 16).toString(16)}:${(number & 0xffff).toString(16)}::/64`
      : `  - ${11 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}.0/24`
  })
  return `interface: lan0\ndestinations.exclude:\n${first}${lines.join('\n')}\n`
}

async function reload(exporter: RunningExporter, outcome: RegExp): Promise<number> {
  const before = exporter.log().length
  const start = performance.now()
  exporter.child.kill('SIGHUP')
  await eventually(() => assert.match(exporter.log().slice(before).join('\n'), outcome))
  return performance.now() - start
}

const ask = (socketPath: string, path: string) =>
  new Promise<string>((resolve, reject) => {
    request({ socketPath, path }, (response) => text(response).then(resolve, reject))
      .on('error', reject)
      .end()
  })

/** Asks again and again until told to stop, and counts the answers. */
function askAgainAndAgain(socketPath: string, path: string) {
  let [goOn, answers] = [true, 0]
  const asking = (async () => {
    for (; goOn; answers++) await ask(socketPath, path)
  })()
  const stop = () => {
    goOn = false
    return asking
  }
  return { answers: () => answers, stop }
}

t.test('50,000 prefixes are exchanged while pages are read', async (t) => {
  const host = silentPair(t, 'lan0')
  const folder = temporaryFolder(t)
  const [file, socket] = [join(folder, 'egress.yml'), join(folder, 'socket')]
  writeFileSync(file, prefixes(5_000, 0))
  const exporter = await startExporter(
    t,
    host,
    `--config.file=${file}`,
    `--web.listen-address=unix:${socket}`,
  )
  const readers = [askAgainAndAgain(socket, '/metrics'), askAgainAndAgain(socket, '/-/healthy')]
  const fastest: number[] = []
  const salts = [1, 0, 1, 0, 1]
  const meanwhile = readers.map(() => 0)
  for (const count of [5_000, 50_000]) {
    const times = []
    for (const salt of salts) {
      writeFileSync(file, prefixes(count, salt))
      const before = readers.map(({ answers }) => answers())
      times.push(await reload(exporter, /msg="read the configuration again"/))
      if (count === 50_000)
        readers.forEach(
          ({ answers }, i) => (meanwhile[i] = (meanwhile[i] ?? 0) + answers() - (before[i] ?? 0)),
        )
    }
    t.comment(`reloads of ${count}: ${times.map(Math.round).join(', ')} ms`)
    fastest.push(Math.min(...times))
  }
  await Promise.all(readers.map(({ stop }) => stop()))
  // If they waited, one would be answered before each, and one after.
  t.ok(Math.min(...meanwhile) > 2 * salts.length, `answered meanwhile: ${meanwhile.join(' and ')}`)
  const [few = 0, many = 0] = fastest
  t.ok(many < 30 * few, 'in time that grows with their number, and not with its square')
  host.traffic('frames lan0', [framesTo('11.0.0.1', 7), framesTo('11.195.80.1', 11)].join('\n'))
  const samples = parseSamples(await ask(socket, '/metrics'))
  t.equal(destination(samples, '11.0.0.1', 'lan0').packets, 7)
  t.equal(unlisted(samples, 'excluded', 'lan0').packets, 11)
})

t.test(
  'a reload that fails leaves the old settings in force, and the next one is as any other',
  async (t) => {
    const host = silentPair(t, 'lan0')
    const folder = temporaryFolder(t)
    const [file, failing] = [join(folder, 'egress.yml'), join(folder, 'failing')]
    const preload = compilePreload(folder, 'failing_updates.c')
    const old = 'interface: lan0\ndestinations.exclude: 198.51.100.0/24\n'
    writeFileSync(file, old)
    const env = { LD_PRELOAD: preload, FAILING: failing }
    const exporter = await startExporterWith(t, host, { env }, `--config.file=${file}`)
    let [listed, excluded] = [0, 0]
    const expectOld = (when: string) => {
      host.traffic('frames lan0', [framesTo('203.0.113.1', 7), framesTo('198.51.100.9', 11)].join('\n'))
      const samples = exporter.samples()
      listed += 7
      excluded += 11
      t.equal(destination(samples, '203.0.113.1', 'lan0').packets, listed, when)
      t.equal(unlisted(samples, 'excluded', 'lan0').packets, excluded, when)
      t.same(destination(samples, '198.51.100.9', 'lan0'), {}, when)
    }
    const stay = /cannot read the configuration again: the old settings stay/
    expectOld('at first')

    // The first prefix is written before the memory ends, the last is not.
    writeFileSync(file, prefixes(2_000, 0, '  - 203.0.113.0/24\n'))
    writeFileSync(failing, '')
    await reload(exporter, stay)
    t.match(exporter.log().at(-1), /write map prefix_rules: Cannot allocate memory/)
    t.equal(exporter.samples().get('egress_config_last_reload_successful'), 0)
    expectOld('without memory for all prefixes')

    // All are written, and what is listed cannot be taken out.
    writeFileSync(failing, 'stack')
    await reload(exporter, stay)
    // It had counted when it was given up, as all that leaves the table does.
    excluded += listed
    listed = 0
    expectOld('without memory for what is taken out')

    rmSync(failing)
    writeFileSync(file, old)
    await reload(exporter, /read the configuration again"/)
    expectOld('read again, unchanged')
    writeFileSync(file, prefixes(2_000, 0, '  - 203.0.113.0/24\n'))
    await reload(exporter, /read the configuration again"/)
    host.traffic('frames lan0', [framesTo('203.0.113.1', 13), framesTo('198.51.100.9', 17)].join('\n'))
    const samples = exporter.samples()
    t.equal(unlisted(samples, 'excluded', 'lan0').packets, excluded + listed + 13)
    t.equal(destination(samples, '198.51.100.9', 'lan0').packets, 17)
    t.same(closedSum(samples, 'lan0'), total(samples, 'lan0'))
  },
)
