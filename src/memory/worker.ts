// The thread of the memory: SQLite, the audit log and every fsync block here, and nowhere else.
import { parentPort, workerData } from 'node:worker_threads'
import { unpack } from '../kernel/contacts.js'
import { loadSystem } from '../kernel/system.js'
import { Memory } from './memory.js'
import type { FromMemory, MemoryCall, ToMemory, WorkerSettings } from './protocol.js'
import type { Remembered } from './rows.js'
import { Networks } from '../networks/networks.js'
import { Services } from '../services/services.js'
import { holdStorage } from './storage-lock.js'

const port = parentPort
if (!port) throw new Error('this is a worker')
const send = (message: FromMemory, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer)

const logAt = (level: 'info' | 'warn' | 'error') => (fields: unknown, words?: string) =>
  send({ kind: 'log', level, fields, words })
const log = { info: logAt('info'), warn: logAt('warn'), error: logAt('error') }

/** Events that the audit log did not take are tried again so often, whether or not others come. */
const auditRetryMs = 250

/** Cgroups are looked for once a second; networks are looked up again in slices. */
const namingMs = 1_000

const settings = workerData as WorkerSettings
const services = new Services({ warn: log.warn })
const networks = new Networks(settings.networkFiles, log)
const memory = new Memory(settings, log, {
  networks,
  hold: () => holdStorage(settings.storagePath, loadSystem()),
  serviceOf: ({ cgroup, ingress }) => services.describe(BigInt(cgroup), ingress)?.service,
})
let announced: readonly Remembered[] | undefined
let naming: NodeJS.Timeout | undefined
let writingAudit: NodeJS.Timeout | NodeJS.Immediate | undefined

/** The list is long, and mostly the same. */
function sendState(): void {
  const { state } = memory
  const same = state.announced === announced
  announced = state.announced
  const rest = { announced: same ? undefined : announced, networkFilesFailed: networks.failed }
  send({ kind: 'state', state: { ...state, ...rest } })
}

/** Without this, names would be found at the next poll. */
function scheduleNaming(): void {
  if (!memory.isNaming) return
  naming ??= setTimeout(() => {
    naming = undefined
    memory.refresh()
    sendState()
    scheduleNaming()
  }, namingMs)
}

/** After everything else that waits. */
function scheduleAudit(): void {
  writingAudit ??= setImmediate(() => {
    writingAudit = undefined
    let { pending } = memory.state.audit
    if (pending === 0) return
    const more = memory.writeAudit()
    sendState()
    pending = memory.state.audit.pending
    if (more) scheduleAudit()
    else if (pending > 0) {
      writingAudit = setTimeout(() => {
        writingAudit = undefined
        scheduleAudit()
      }, auditRetryMs)
    }
  })
}

function answer(call: MemoryCall): unknown {
  switch (call.method) {
    case 'record':
      return memory.record(unpack(call.contacts))
    case 'update':
      return memory.update(unpack(call.contacts))
    case 'describe':
      return call.keys.map((key) => memory.find(key))
    case 'nameSenders':
      return call.senders.map(({ cgroup, ingress }) => services.describe(BigInt(cgroup), ingress))
    case 'expire':
      memory.expire(unpack(call.contacts))
      break
    case 'refresh':
    case 'reopenAudit':
    case 'close':
      memory[call.method]()
  }
  return undefined
}

port.on('message', ({ id, call }: ToMemory) => {
  try {
    const result = answer(call)
    if (call.method === 'close') {
      clearTimeout(naming)
      send({ kind: 'done', id, result })
      port.close()
      return
    }
    sendState()
    send({ kind: 'done', id, result }, result instanceof Float64Array ? [result.buffer as ArrayBuffer] : [])
    scheduleNaming()
    scheduleAudit()
  } catch (error) {
    send({ kind: 'failed', id, error })
  }
})
sendState()
scheduleAudit()
