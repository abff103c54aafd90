import { execFileSync, spawn } from 'node:child_process'
import {
  closeSync,
  constants,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
} from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import t from 'tap'
import { AuditLog } from '../../../src/memory/audit-log.js'
import { eventOf, type AuditEvent, type EventRow } from '../../../src/memory/rows.js'
import { facts } from '../../../src/memory/memory-store.js'
import { Store } from '../../../src/memory/store.js'
import { auditLines, contact, recordingLog, smallDisk, temporaryFolder } from '../../support/memory.js'

const schema = JSON.parse(readFileSync('docs/audit-log.schema.json', 'utf8')) as object
const isValid = new Ajv2020({ formats: { 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ } }).compile(
  schema,
)

/** An audit log, and a store that keeps its events. */
function setUp(t: { teardown(action: () => unknown): void }, file: string, maxBytes = 0) {
  const log = recordingLog()
  const store = new Store()
  store.setFact(facts.audited, 1)
  const audit = new AuditLog({ file, maxBytes }, log)
  t.teardown(() => {
    audit.close()
    store.close()
  })
  const add = (event: AuditEvent, destination: string, rest: Partial<EventRow> = {}) =>
    store.addEvents([{ ...eventOf(event, contact(destination), 1_000), ...rest }])
  const writeAll = () => {
    while (audit.write(store));
  }
  return { log, store, audit, add, writeAll }
}

const addresses = (count: number) => Array.from({ length: count }, (_, i) => `10.0.${i >> 8}.${i & 255}`)

t.test('every line is as the schema has it', (t) => {
  const file = join(temporaryFolder(t), 'audit')
  const { add, writeAll, audit, store } = setUp(t, file)
  add('first_contact', '192.0.2.1', { status: 'new' })
  add('first_contact', '2001:db8::/64', { port: 0, protocol: 253, status: 'baseline' })
  add('acknowledged', '192.0.2.1', { status: 'acknowledged', note: 'line\nbreak "quoted"' })
  add('forgotten', '192.0.2.1', { status: 'acknowledged', reason: 'command' })
  add('expired', '192.0.2.1')
  writeAll()
  const lines = auditLines(file)
  for (const line of lines) t.ok(isValid(line), JSON.stringify(line))
  t.equal(lines.length, 5)
  t.notOk(isValid({ ...lines[0], more: 1 }), 'the schema says no as well')
  t.match(audit.state(store), { written: 5, pending: 0, lost: 0, failing: false })
  t.end()
})

t.test('after it was moved away, a new file begins where it is opened anew', (t) => {
  const file = join(temporaryFolder(t), 'audit')
  const { add, writeAll, audit } = setUp(t, file)
  add('expired', '192.0.2.1')
  writeAll()
  renameSync(file, `${file}.old`)
  add('expired', '192.0.2.2')
  writeAll()
  audit.reopen()
  add('expired', '192.0.2.3')
  writeAll()
  t.equal(auditLines(`${file}.old`).length, 2)
  t.equal(auditLines(file).length, 1)
  rmSync(file)
  add('expired', '192.0.2.4')
  writeAll()
  t.match(auditLines(file), [{ destination: '192.0.2.4' }], 'a deleted one begins anew by itself')
  t.end()
})

t.test('its size is bounded when asked for', (t) => {
  const file = join(temporaryFolder(t), 'audit')
  const { add, writeAll } = setUp(t, file, 200)
  for (let i = 0; i < 23; i++) {
    add('expired', `192.0.2.${i}`)
    writeAll()
  }
  t.equal(auditLines(`${file}.1`).length, 2)
  t.match(auditLines(`${file}.1`)[1], { destination: '192.0.2.21' })
  t.match(auditLines(`${file}.5`)[0], { destination: '192.0.2.12' })
  t.notOk(existsSync(`${file}.6`))
  t.end()
})

t.test('a full disk: whole lines, each once, and all of them when there is room', (t) => {
  const disk = smallDisk(t, '12k')
  const file = join(disk.folder, 'audit')
  const { add, writeAll, audit, store, log } = setUp(t, file)
  for (const address of addresses(307)) add('expired', address)
  writeAll()
  writeAll()
  t.equal(audit.state(store).failing, true)
  t.equal(log.lines.length, 1)
  const before = auditLines(file).length
  t.equal(audit.state(store).pending, 307 - before)
  t.ok(before > 0 && before < 307, `${before} found room`)
  disk.remount('size=1m')
  add('expired', '192.0.2.1')
  writeAll()
  t.same(
    auditLines(file).map(({ destination }) => destination),
    [...addresses(307), '192.0.2.1'],
  )
  t.match(audit.state(store), { written: 308, pending: 0, lost: 0, failing: false })
  t.match(log.lines.at(-1), ['info', 'the audit log can be written again'])
  t.end()
})

t.test('a torn line of an earlier run is ended before the next', (t) => {
  const file = join(temporaryFolder(t), 'audit')
  execFileSync('sh', ['-c', `printf '{"time":"2026' > ${file}`])
  const { add, writeAll } = setUp(t, file)
  add('expired', '192.0.2.1')
  writeAll()
  const [torn, line] = readFileSync(file, 'utf8').split('\n')
  t.equal(torn, '{"time":"2026')
  t.ok(isValid(JSON.parse(line ?? '')))
  t.end()
})

t.test('a FIFO: without a reader, with one that stalls, and one that comes back', (t) => {
  const file = join(temporaryFolder(t), 'fifo')
  execFileSync('mkfifo', [file])
  const { add, writeAll, audit, store, log } = setUp(t, file)
  t.match(log.lines[0], ['error', /^cannot write the audit log/])
  for (const address of addresses(1_009)) add('expired', address)
  writeAll()
  t.equal(audit.state(store).pending, 1_009)
  const reader = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  const heard: string[] = []
  const bytes = Buffer.alloc(65_536)
  for (let rounds = 0; audit.state(store).pending > 0; rounds++) {
    if (rounds > 100) throw new Error('it does not come to an end')
    writeAll()
    heard.push(bytes.toString('utf8', 0, readSync(reader, bytes)))
  }
  const lines = heard.join('').trim().split('\n')
  t.same(
    lines.map((line) => (JSON.parse(line) as { destination: string }).destination),
    addresses(1_009),
  )
  closeSync(reader)
  add('expired', '192.0.2.1')
  writeAll()
  t.equal(audit.state(store).pending, 1, 'the reader is gone')
  const again = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
  writeAll()
  t.match(bytes.toString('utf8', 0, readSync(again, bytes)), '192.0.2.1')
  closeSync(again)
  t.end()
})

t.test('more than there is room for is given up, the oldest, and counted', (t) => {
  const { store, audit } = setUp(t, '/proc/no/such/file')
  const events = addresses(100_003).map((address) => eventOf('expired', contact(address), 1_000))
  store.transaction(() => store.addEvents(events))
  audit.write(store)
  t.match(audit.state(store), { written: 0, pending: 100_000, lost: 3, failing: true })
  t.equal(store.events(0, 1)[0]?.destination, addresses(4)[3])
  t.end()
})

for (const name of ['-', '/dev/stdout', '/dev/fd/1']) {
  t.test(`${name} is standard output, whatever that is`, async (t) => {
    const compiled = new URL('../../../src/memory/audit-file.js', import.meta.url)
    const script = `
      import { AuditFile } from '${compiled.href}'
      const { taken, error } = new AuditFile('${name}').append([Buffer.from('one\\n'), Buffer.from('two\\n')])
      if (taken !== 2 || error) throw error ?? new Error('taken: ' + taken)`
    const run = async (stdout: 'pipe' | number) => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', stdout, 'inherit'],
      })
      let heard = ''
      child.stdout?.on('data', (chunk: Buffer) => (heard += chunk.toString()))
      const code = await new Promise((resolve) => child.once('close', resolve))
      return { code, heard }
    }
    // Node's pipes to children are sockets.
    t.same(await run('pipe'), { code: 0, heard: 'one\ntwo\n' })
    const file = join(temporaryFolder(t), 'out')
    const descriptor = openSync(file, 'w')
    t.equal((await run(descriptor)).code, 0)
    t.equal(readFileSync(file, 'utf8'), 'one\ntwo\n')
    t.equal((await run(openSync('/dev/null', 'w'))).code, 0)
  })
}
