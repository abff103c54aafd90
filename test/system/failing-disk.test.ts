import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { copyFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { eventually } from '../support/await.js'
import { destination, startExporter, startExporterWith } from '../support/exporter.js'
import { smallDisk, temporaryFolder } from '../support/memory.js'
import { silentPair } from '../support/network.js'
import { compilePreload } from '../support/preload.js'
import {
  addresses,
  databaseOf,
  lockDatabase,
  lookUntil,
  neverFalling,
  remembers,
  sendTo,
  soundness,
  stored,
} from '../support/remembering.js'

const flags = (folder: string) => ['--interface=veth0', `--storage.path=${folder}`, '--poll.interval=1s']
const before = addresses(5)
const during = '198.51.100.50'
const all = [during, ...before].sort()

/** Lets the disk of a folder fail; what it returns mends it. */
type Failure = (folder: string, failing: string) => () => void

const failures: Record<string, Failure> = {
  'another process holds a write lock': (folder) => {
    const lock = lockDatabase(folder)
    return () => lock.release()
  },
  'the disk is full': (folder) => {
    const filler = join(folder, 'filler')
    try {
      execFileSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k'], { stdio: 'ignore' })
    } catch {
      // There was no more room: it is full.
    }
    return () => rmSync(filler)
  },
  'each write is an error': (_folder, failing) => {
    writeFileSync(failing, '')
    return () => rmSync(failing)
  },
}

for (const [what, fail] of Object.entries(failures)) {
  t.test(`${what}: nothing disappears, what comes is announced, and written afterwards`, async (t) => {
    const host = silentPair(t, 'veth0')
    const { folder } = smallDisk(t, '1m')
    const failing = join(temporaryFolder(t), 'fails')
    const env = {
      LD_PRELOAD: compilePreload(temporaryFolder(t), 'failing_disk.c'),
      DISK_FAILS: failing,
    }
    const exporter = await startExporterWith(t, host, { env }, ...flags(folder))
    const look = neverFalling(exporter)
    sendTo(host, ...before)
    await lookUntil(look, (now) => assert.deepEqual(now.announced, before))
    const mend = fail(folder, failing)
    sendTo(host, during, ...before)
    await lookUntil(look, ({ announced, degraded, newDestinations, unacknowledged }) => {
      assert.deepEqual(announced, all)
      assert.deepEqual([newDestinations, unacknowledged, degraded], [6, 6, 1])
    })
    t.equal(destination(exporter.samples(), during).packets, 1)
    mend()
    await lookUntil(look, ({ degraded }) => assert.equal(degraded, 0))
    t.same(look().announced, all)
    t.equal(look().newDestinations, 6)
    t.same(Object.keys(stored(folder)), all)
    t.equal(await exporter.stop(), 0)
  })
}

const losses: Record<string, (folder: string, copy: string) => void> = {
  'its files are deleted': (folder) => {
    for (const suffix of ['', '-wal', '-shm']) rmSync(databaseOf(folder) + suffix, { force: true })
  },
  'its write-ahead log is deleted': (folder) => rmSync(`${databaseOf(folder)}-wal`, { force: true }),
  'a copy of before takes its place': (folder, copy) => renameSync(copy, databaseOf(folder)),
}

for (const [what, lose] of Object.entries(losses)) {
  t.test(`${what} while it runs: nothing is forgotten, now or at the next start`, async (t) => {
    const host = silentPair(t, 'veth0')
    const folder = temporaryFolder(t)
    const copy = join(temporaryFolder(t), 'copy.db')
    const first = await startExporter(t, host, ...flags(folder))
    sendTo(host, ...before.slice(0, 2))
    await eventually(() => assert.equal(remembers(first.samples()).unacknowledged, 2))
    await first.stop()
    copyFileSync(databaseOf(folder), copy)

    const exporter = await startExporter(t, host, ...flags(folder))
    const look = neverFalling(exporter)
    sendTo(host, ...before)
    await lookUntil(look, (now) => assert.deepEqual(now.announced, before))
    lose(folder, copy)
    sendTo(host, during, ...before)
    await lookUntil(look, (now) => {
      assert.deepEqual(now.announced, all)
      assert.deepEqual(Object.keys(stored(folder)), all)
      assert.equal(now.degraded, 0)
    })
    t.equal(await exporter.stop(), 0)
    t.equal(soundness(folder), 'ok')
    t.same(Object.keys(stored(folder)), all)
  })
}

t.test('a disk that is read-only at the start: its memory is shown, and what comes is new', async (t) => {
  const host = silentPair(t, 'veth0')
  const disk = smallDisk(t, '1m')
  const first = await startExporter(t, host, ...flags(disk.folder))
  sendTo(host, ...before)
  await eventually(() => assert.equal(remembers(first.samples()).unacknowledged, 5))
  await first.stop()

  disk.remount('ro')
  const exporter = await startExporter(t, host, ...flags(disk.folder), '--baseline.period=1h')
  const look = neverFalling(exporter)
  await lookUntil(look, (now) => assert.deepEqual([now.announced, now.degraded], [before, 1]))
  sendTo(host, during, ...before)
  await lookUntil(look, (now) => assert.deepEqual([now.announced, now.newDestinations], [all, 6]))
  disk.remount('rw')
  await lookUntil(look, ({ degraded }) => assert.equal(degraded, 0))
  t.same(look().announced, all)
  t.equal(look().newDestinations, 6)
  t.same(new Set(Object.values(stored(disk.folder))), new Set(['new']), 'nothing was learned')
  t.equal(await exporter.stop(), 0)
})
