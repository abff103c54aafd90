import { existsSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import t from 'tap'
import { AuditLog } from '../../src/memory/audit-log.js'
import { contact, recordingLog, smallDisk, temporaryFolder } from '../support/memory.js'

const schema = JSON.parse(readFileSync('docs/audit-log.schema.json', 'utf8')) as object
const isValid = new Ajv2020({ formats: { 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ } }).compile(
  schema,
)

const event = (destination: string, more = {}) => ({ ...contact(destination), atMs: 1_000, ...more })
const lines = (file: string) => readFileSync(file, 'utf8').trim().split('\n')

t.test('every line is as the schema has it', (t) => {
  const file = join(temporaryFolder(t), 'audit')
  const audit = new AuditLog({ file, maxBytes: 0 }, recordingLog())
  t.teardown(() => audit.close())
  audit.write('first_contact', [
    event('192.0.2.1', { status: 'new' }),
    event('2001:db8::/64', { port: 0, protocol: 253 }),
  ])
  audit.write('acknowledged', [event('192.0.2.1', { status: 'acknowledged', note: 'line\nbreak "quoted"' })])
  audit.write('expired', [event('192.0.2.1')])
  audit.write('expired', [])
  for (const line of lines(file)) t.ok(isValid(JSON.parse(line)), line)
  t.equal(lines(file).length, 4)
  t.notOk(isValid({ ...JSON.parse(lines(file)[0] ?? ''), more: 1 }), 'the schema says no as well')
  t.end()
})

t.test('after it was moved away, a new file begins where it is opened anew', (t) => {
  const file = join(temporaryFolder(t), 'audit')
  const audit = new AuditLog({ file, maxBytes: 0 }, recordingLog())
  t.teardown(() => audit.close())
  audit.write('expired', [event('192.0.2.1')])
  renameSync(file, `${file}.old`)
  audit.write('expired', [event('192.0.2.2')])
  audit.reopen()
  audit.write('expired', [event('192.0.2.3')])
  t.equal(lines(`${file}.old`).length, 2)
  t.equal(lines(file).length, 1)
  t.end()
})

t.test('its size is bounded when asked for', (t) => {
  const file = join(temporaryFolder(t), 'audit')
  const audit = new AuditLog({ file, maxBytes: 200 }, recordingLog())
  t.teardown(() => audit.close())
  for (let i = 0; i < 23; i++) audit.write('expired', [event(`192.0.2.${i}`)])
  t.equal(lines(`${file}.1`).length, 2)
  t.match(lines(`${file}.1`)[1], '192.0.2.21')
  t.match(lines(`${file}.5`)[0], '192.0.2.12')
  t.notOk(existsSync(`${file}.6`))
  t.end()
})

t.test('what cannot be written is an error once, and a state until it can', (t) => {
  const disk = smallDisk(t, '64k')
  const log = recordingLog()
  const audit = new AuditLog({ file: join(disk.folder, 'audit'), maxBytes: 0 }, log)
  t.teardown(() => audit.close())
  const many = Array.from({ length: 1_000 }, (_, i) => event(`10.0.${i >> 8}.${i & 255}`))
  audit.write('expired', many)
  audit.write('expired', many)
  t.equal(audit.failing, true)
  t.equal(log.lines.length, 1)
  disk.remount('size=1m')
  audit.write('expired', many)
  t.equal(audit.failing, false)
  t.end()
})
