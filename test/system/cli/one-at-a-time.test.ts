import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadAddon } from '../../../src/kernel/native/addon.js'
import { eventually, hangMs } from '../../support/await.js'
import {
  exporterCommand,
  modes,
  parseSamples,
  program,
  startExporter,
  total,
} from '../../support/exporter.js'
import { temporaryFolder } from '../../support/memory.js'
import { type Namespace, silentPair } from '../../support/network.js'

/** Starts an exporter that is expected to end. */
function secondStart(host: Namespace, ...flags: string[]) {
  const [file, args] = host.command(...exporterCommand('--interface=veth0', ...flags))
  const { status, stderr } = spawnSync(file, args, { encoding: 'utf8', timeout: hangMs })
  const complaint = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('time='))
  return { status, complaint, attached: stderr.includes('counting what leaves') }
}

t.test('a storage folder has one exporter, and a second start touches nothing', async (t) => {
  const host = silentPair(t, 'veth0')
  const storage = join(temporaryFolder(t), 'made/for/it')
  const memory = `--storage.path=${storage}`
  for (const mode of modes) {
    const first = await startExporter(t, host, '--interface=veth0', memory, `--bpf.mode=${mode}`)
    host.traffic('spray-frames veth0 23')
    await eventually(() => assert.equal(total(first.samples()).packets, 23))
    const traces = () => [
      host.run([...program, 'destinations', '--json', memory]),
      host.run(['tc', 'filter', 'show', 'dev', 'veth0', 'egress']),
      readdirSync(storage).sort(),
    ]
    const before = traces()
    t.match(before[0], '1.0.0.22')
    const second = secondStart(host, memory, `--bpf.mode=${mode}`)
    t.match(second, {
      status: 1,
      complaint: [
        `egress-exporter: --storage.path ${storage}: process ${first.child.pid} remembers there already: stop it, or choose another folder`,
      ],
      attached: false,
    })
    t.same(traces(), before)
    // It goes on counting.
    host.traffic('spray-frames veth0 29')
    await eventually(() => assert.equal(total(first.samples()).packets, 23 + 29))
    t.equal(await first.stop(), 0)
    t.equal(host.run(['tc', 'filter', 'show', 'dev', 'veth0', 'egress']), '')
  }
})

t.test('a lock goes with the process, however it ends', async (t) => {
  const host = silentPair(t, 'veth0')
  const memory = `--storage.path=${temporaryFolder(t)}`
  const killed = await startExporter(t, host, '--interface=veth0', memory)
  await killed.kill()
  const next = await startExporter(t, host, '--interface=veth0', memory)
  t.equal(await next.stop(), 0)
})

t.test('a second start on a busy address touches nothing', async (t) => {
  const host = silentPair(t, 'veth0')
  const path = join(temporaryFolder(t), 'socket')
  const first = await startExporter(
    t,
    host,
    '--interface=veth0',
    '--web.listen-address=127.0.0.1:10191',
    `--web.listen-address=unix:${path}`,
  )
  const traces = () => [
    // Node's own series come and go with garbage collections.
    [...first.samples().keys()].filter((series) => series.startsWith('egress_')),
    host.run(['tc', 'filter', 'show', 'dev', 'veth0', 'egress']),
  ]
  const before = traces()
  for (const address of ['127.0.0.1:10191', `unix:${path}`]) {
    const storage = join(temporaryFolder(t), 'new')
    t.match(secondStart(host, `--web.listen-address=${address}`, `--storage.path=${storage}`), {
      status: 1,
      complaint: [new RegExp(`^egress-exporter: cannot listen on ${address}: another program listens there`)],
      attached: false,
    })
    t.notOk(existsSync(join(storage, 'destinations.db')))
  }
  t.same(traces(), before)
  const [file, args] = host.command('curl', '-s', '--unix-socket', path, 'http://h/metrics')
  t.equal(parseSamples(execFileSync(file, args, { encoding: 'utf8' })).get('egress_scrape_success'), 1)
})

t.test('where no folder can be made, it counts, and says what it cannot do', async (t) => {
  const host = silentPair(t, 'veth0')
  const exporter = await startExporter(t, host, '--interface=veth0', '--storage.path=/proc/egress/exporter')
  host.traffic('spray-frames veth0 13')
  t.equal(total(await exporter.settled()).packets, 13)
  t.equal(exporter.samples().get('egress_storage_degraded'), 1)
  t.match(exporter.log().join('\n'), /level=warn msg="cannot lock the storage folder: .*ENOENT/)
  t.equal(await exporter.stop(), 0)
})

t.test('--config.check sees what is at the path of a Unix socket', async (t) => {
  const folder = temporaryFolder(t)
  const [file, ...args] = program
  const check = (path: string) =>
    spawnSync(file, [...args, '--config.check', `--web.listen-address=unix:${path}`], { encoding: 'utf8' })
  writeFileSync(join(folder, 'file'), 'precious')
  mkdirSync(join(folder, 'folder'))
  for (const [name, kind] of [
    ['file', 'a file'],
    ['folder', 'a folder'],
  ] as const) {
    const path = join(folder, name)
    t.match(check(path), {
      status: 2,
      stderr: `egress-exporter: --web.listen-address: unix:${path}: ${kind} is there: move it away, or choose another path with --web.listen-address\n`,
    })
  }
  t.equal(readFileSync(join(folder, 'file'), 'utf8'), 'precious')
  t.equal(check(join(folder, 'free')).status, 0)
})

t.test('a log that nobody reads costs lines, and nothing else', async (t) => {
  const host = silentPair(t, 'veth0')
  const fifo = join(temporaryFolder(t), 'log')
  execFileSync('mkfifo', [fifo])
  const pipe = openSync(fifo, 'r+')
  t.teardown(() => closeSync(pipe))
  const port = 10_193
  // A long line for each signal, with the path of the file.
  const deep = join(temporaryFolder(t), ...Array.from({ length: 14 }, () => 'x'.repeat(250)))
  mkdirSync(deep, { recursive: true })
  const config = join(deep, 'egress.yml')
  writeFileSync(config, '')
  const [file, args] = host.command(
    ...exporterCommand(
      '--interface=veth0',
      `--web.listen-address=127.0.0.1:${port}`,
      `--config.file=${config}`,
    ),
  )
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', pipe] })
  t.teardown(() => child.kill('SIGKILL'))
  const samples = () =>
    parseSamples(host.run(['curl', '-s', '--fail', '--max-time', '5', `http://127.0.0.1:${port}/metrics`]))
  const lost = () => samples().get('egress_log_lines_lost_total') ?? 0
  await eventually(() => assert.equal(lost(), 0))
  // More than a pipe holds, and what may wait besides.
  await eventually(() => {
    child.kill('SIGHUP')
    assert.ok(lost() > 0)
  })
  // A reader comes: whole lines in order, and a word of what is missing.
  const reader = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'ignore'] })
  t.teardown(() => reader.kill())
  let text = ''
  reader.stdout.on('data', (data) => (text += data))
  await eventually(() =>
    assert.match(text, /msg="standard error was not read: log lines are lost" lost=\d+\n/),
  )
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  t.same(await ended, [0, null])
  await eventually(() => assert.match(text, /detached from every interface"\n$/))
  for (const line of text.trimEnd().split('\n')) assert.match(line, /^time=\S+ level=\w+ msg=("[^"]+"|\w+)/)
})

t.test('a stop needs no reader of the log either', async (t) => {
  const host = silentPair(t, 'veth0')
  const fifo = join(temporaryFolder(t), 'log')
  execFileSync('mkfifo', [fifo])
  const pipe = openSync(fifo, 'r+')
  t.teardown(() => closeSync(pipe))
  const addon = loadAddon()
  while (addon.writeNow(pipe, Buffer.alloc(4096)) > 0);
  const [file, args] = host.command(
    ...exporterCommand('--interface=veth0', '--web.listen-address=127.0.0.1:10194'),
  )
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', pipe] })
  t.teardown(() => child.kill('SIGKILL'))
  await eventually(() => host.run(['curl', '-s', '--fail', 'http://127.0.0.1:10194/-/ready']))
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  t.same(await ended, [0, null])
})
