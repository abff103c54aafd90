import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readdirSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs'
import Database from 'better-sqlite3'
import t from 'tap'
import { eventually } from '../support/await.js'
import { destination, startExporter } from '../support/exporter.js'
import { temporaryFolder } from '../support/memory.js'
import { silentPair } from '../support/network.js'
import {
  addresses,
  databaseOf,
  destinationsCommand,
  lookUntil,
  neverFalling,
  remembers,
  sendTo,
  soundness,
  stored,
} from '../support/remembering.js'

type Test = Parameters<typeof silentPair>[0]

const pageBytes = 4096
const flags = (folder: string) => ['--interface=veth0', `--storage.path=${folder}`, '--poll.interval=1s']
const known = addresses(101)

/** The database of a memory with something in each of its tables, as a stopped exporter leaves it. */
async function soundDatabase(t: Test): Promise<Buffer> {
  const host = silentPair(t, 'veth0')
  const folder = temporaryFolder(t)
  const exporter = await startExporter(t, host, ...flags(folder))
  sendTo(host, ...known)
  await eventually(() => assert.equal(remembers(exporter.samples()).unacknowledged, known.length))
  await exporter.stop()
  destinationsCommand(folder, 'ack', '203.0.113.8/29', '--note', 'known to all')
  return readFileSync(databaseOf(folder))
}

const fills = {
  zeroed: () => Buffer.alloc(pageBytes),
  'full of rubbish': () => randomBytes(pageBytes),
}

const sound = soundDatabase(t)

for (const [how, fill] of Object.entries(fills)) {
  t.test(`each page ${how} before the start`, async (t) => {
    const bytes = await sound
    const pages = bytes.length / pageBytes
    const host = silentPair(t, 'veth0')
    for (let page = 0; page < pages; page++) {
      const folder = temporaryFolder(t)
      const ruined = Buffer.from(bytes)
      fill().copy(ruined, page * pageBytes)
      writeFileSync(databaseOf(folder), ruined)
      const what = `page ${page + 1} of ${pages}`
      const exporter = await startExporter(t, host, ...flags(folder))
      const later = `198.51.100.${page + 1}`
      sendTo(host, later)
      // It counts, and remembers.
      const samples = await eventually(() => {
        const samples = exporter.samples()
        assert.ok(Object.hasOwn(stored(folder), later))
        return samples
      })
      t.equal(destination(samples, later).packets, 1, what)
      t.equal(await exporter.stop(), 0, what)
      // So the next start is clean.
      t.equal(soundness(folder), 'ok', what)
      t.ok(
        readdirSync(folder).some((name) => name.includes('.corrupt-')),
        `${what}: what was ruined is kept`,
      )
    }
  })
}

t.test('each page in turn while it runs', async (t) => {
  const host = silentPair(t, 'veth0')
  const folder = temporaryFolder(t)
  writeFileSync(databaseOf(folder), await sound)
  const exporter = await startExporter(t, host, ...flags(folder))
  const look = neverFalling(exporter)
  const pages = statSync(databaseOf(folder)).size / pageBytes
  for (let page = 0; page < pages; page++) {
    ruinPage(folder, page)
    const later = `198.51.100.${page + 1}`
    sendTo(host, later)
    await lookUntil(look, ({ announced }) => assert.ok(announced.includes(later)))
  }
  t.ok(look().unacknowledged >= pages)
  t.equal(await exporter.stop(), 0)

  const next = await startExporter(t, host, ...flags(folder))
  sendTo(host, '198.51.100.254')
  await eventually(() => assert.ok(Object.hasOwn(stored(folder), '198.51.100.254')))
  t.equal(remembers(next.samples()).degraded, 0)
  t.equal(await next.stop(), 0)
  t.equal(soundness(folder), 'ok')
})

/** Ruins what is in the file, behind the back of who has it open, and has them read it anew. */
function ruinPage(folder: string, page: number): void {
  try {
    const database = new Database(databaseOf(folder))
    database.pragma('wal_checkpoint(TRUNCATE)')
    const file = openSync(databaseOf(folder), 'r+')
    writeSync(file, randomBytes(pageBytes), 0, pageBytes, page * pageBytes)
    closeSync(file)
    database.exec('UPDATE facts SET value = value')
    database.close()
  } catch (error) {
    // It is ruined as much as this process can see.
    if (!(error instanceof Database.SqliteError)) throw error
  }
}
