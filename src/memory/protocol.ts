import type { Settings } from '../config/settings.js'
import type { Contacts, Sender } from '../kernel/contacts.js'
import type { MemorySettings } from './memory.js'
import type { MemoryState } from './memory-state.js'
import type { DestinationKey, Remembered } from './rows.js'

type Packed = Pick<Contacts, 'json'>

/** What the memory's thread is begun with. */
export type WorkerSettings = MemorySettings & Pick<Settings, 'networkFiles'>

/** What tells whose packets they are. */
export type ServiceSender = Pick<Sender, 'cgroup' | 'ingress'>

/** What the main thread asks of the memory's thread; each is answered in turn. */
export type MemoryCall =
  | { readonly method: 'record' | 'update' | 'expire'; readonly contacts: Packed }
  | { readonly method: 'describe'; readonly keys: readonly DestinationKey[] }
  | { readonly method: 'nameSenders'; readonly senders: readonly ServiceSender[] }
  | { readonly method: 'refresh' | 'reopenAudit' | 'close' }

export interface ToMemory {
  readonly id: number
  readonly call: MemoryCall
}

export type FromMemory =
  | {
      readonly kind: 'state'
      /** Without the list where that is as before. */
      readonly state: Omit<MemoryState, 'announced'> & {
        readonly announced: readonly Remembered[] | undefined
      }
    }
  | { readonly kind: 'done'; readonly id: number; readonly result: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly error: unknown }
  | {
      readonly kind: 'log'
      readonly level: 'info' | 'warn' | 'error'
      readonly fields: unknown
      readonly words: string | undefined
    }
