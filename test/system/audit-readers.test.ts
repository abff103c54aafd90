import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import t from 'tap'
import { eventually } from '../support/await.js'
import { type RunningExporter, startExporter, startExporterWith } from '../support/exporter.js'
import { temporaryFolder } from '../support/memory.js'
import { silentPair } from '../support/network.js'
import { addresses, auditEvents, remembers, sendTo, told } from '../support/remembering.js'

type Test = Parameters<typeof silentPair>[0]

const flags = (folder: string) => ['--interface=veth0', `--storage.path=${folder}`, '--poll.interval=1s']

function makeFifo(t: Test): string {
  const fifo = join(temporaryFolder(t), 'fifo')
  execFileSync('mkfifo', [fifo])
  return fifo
}

/** The other end of a FIFO; it reads when it is told to. */
function openReader(fifo: string) {
  const descriptor = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
  const buffer = Buffer.alloc(1 << 16)
  let text = ''
  return {
    /** All that came so far. */
    read(): string {
      try {
        for (let length; (length = readSync(descriptor, buffer)) > 0;)
          text += buffer.toString('latin1', 0, length)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
      }
      return text
    },
    close: () => closeSync(descriptor),
  }
}

/** More than a pipe or a socket takes that nobody reads. */
const many = addresses(2_003)

interface Reader {
  readonly exporter: RunningExporter
  read(): string
}

/** Ways to give an audit log to a reader, that has not read anything yet. */
const readers: Record<string, (t: Test, start: Start) => Promise<Reader>> = {
  'a FIFO': async (t, start) => {
    const fifo = makeFifo(t)
    const reader = openReader(fifo)
    return { exporter: await start(fifo), ...reader }
  },
  '- as a pipe': (t, start) => toPipe(t, start, '-'),
  '/dev/stdout as a pipe': (t, start) => toPipe(t, start, '/dev/stdout'),
  '/dev/stdout as a socket': async (_t, start) => {
    const exporter = await start('/dev/stdout', 'pipe') // which Node makes a socket
    const stdout = exporter.child.stdout as Readable
    let text = ''
    const read = () => {
      if (stdout.listenerCount('data') === 0) stdout.on('data', (bytes: Buffer) => (text += bytes.toString()))
      return text
    }
    return { exporter, read }
  },
}

type Start = (auditFile: string, stdout?: number | 'pipe') => Promise<RunningExporter>

async function toPipe(t: Test, start: Start, auditFile: string): Promise<Reader> {
  const fifo = makeFifo(t)
  const reader = openReader(fifo)
  const stdout = openSync(fifo, 'w')
  const exporter = await start(auditFile, stdout)
  closeSync(stdout)
  return { exporter, ...reader }
}

for (const [what, attach] of Object.entries(readers)) {
  t.test(`${what}, whose reader stops and goes on: nothing is lost, nothing waits`, async (t) => {
    const host = silentPair(t, 'veth0')
    const folder = temporaryFolder(t)
    const start: Start = (auditFile, stdout) => {
      const surroundings = stdout === undefined ? {} : { stdout }
      return startExporterWith(t, host, surroundings, ...flags(folder), `--audit.file=${auditFile}`)
    }
    const { exporter, read } = await attach(t, start)
    sendTo(host, ...many)
    await eventually(() => {
      const { newDestinations, audit } = remembers(exporter.samples())
      assert.equal(newDestinations, many.length)
      assert.ok(audit.pending > 0, 'the reader has stopped')
      assert.equal(audit.events + audit.pending, many.length)
    })
    // It goes on reading.
    await eventually(() => {
      assert.deepEqual(told(auditEvents(read())), many.toSorted())
      const { audit, degraded } = remembers(exporter.samples())
      assert.deepEqual([audit, degraded], [{ events: many.length, pending: 0, lost: 0 }, 0])
    })
    // It stops again, and so does the exporter.
    sendTo(host, ...addresses(2_003, 3_000))
    await eventually(() => assert.ok(remembers(exporter.samples()).audit.pending > 0))
    t.equal(await exporter.stop(), 0)
  })
}

t.test('a FIFO that nobody reads yet, or any more', async (t) => {
  const host = silentPair(t, 'veth0')
  const folder = temporaryFolder(t)
  const fifo = makeFifo(t)
  const start = () => startExporter(t, host, ...flags(folder), `--audit.file=${fifo}`)
  const exporter = await start()
  sendTo(host, '203.0.113.1')
  await eventually(() => {
    const { degraded, audit } = remembers(exporter.samples())
    assert.deepEqual([degraded, audit.pending], [1, 1])
  })
  const first = openReader(fifo)
  await eventually(() => assert.deepEqual(told(auditEvents(first.read())), ['203.0.113.1']))
  await eventually(() => assert.equal(remembers(exporter.samples()).degraded, 0))
  first.close()

  sendTo(host, '203.0.113.2')
  await eventually(() => assert.equal(remembers(exporter.samples()).audit.pending, 1))
  exporter.child.kill('SIGHUP')
  sendTo(host, '203.0.113.3')
  await eventually(() => assert.equal(remembers(exporter.samples()).audit.pending, 2))
  t.equal(await exporter.stop(), 0)

  // What nobody read is told by the next run.
  const next = await start()
  const second = openReader(fifo)
  await eventually(() => assert.deepEqual(told(auditEvents(second.read())), ['203.0.113.2', '203.0.113.3']))
  second.close()
  t.equal(await next.stop(), 0)
})

for (const name of ['-', '/dev/stdout']) {
  t.test(`${name} as a file, and as nothing`, async (t) => {
    const host = silentPair(t, 'veth0')
    const file = join(temporaryFolder(t), 'audit')
    for (const stdout of [file, '/dev/null']) {
      const descriptor = openSync(stdout, 'a')
      const exporter = await startExporterWith(
        t,
        host,
        { stdout: descriptor },
        ...flags(temporaryFolder(t)),
        `--audit.file=${name}`,
      )
      closeSync(descriptor)
      sendTo(host, ...addresses(3))
      await eventually(() => {
        const { degraded, audit } = remembers(exporter.samples())
        assert.deepEqual([degraded, audit], [0, { events: 3, pending: 0, lost: 0 }])
      })
      t.equal(await exporter.stop(), 0)
    }
    t.same(told(auditEvents(readFileSync(file, 'utf8'))), addresses(3))
  })
}
