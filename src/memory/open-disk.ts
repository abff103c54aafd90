import type { Logger } from '../log.js'
import { isCorrupt, salvage, setAside } from './set-aside.js'
import { Store } from './store.js'
import { copyFacts } from './take-over.js'

/** Where a database is, and what each must have. */
export interface Place {
  readonly folder: string
  readonly log: Pick<Logger, 'error'>
  readonly begin: (store: Store) => void
}

/**
 * Opens the database; a corrupt one is set aside.
 *
 * @param before whose facts a new one goes on with
 * @throws Error where there is none to be had
 */
export function openDisk(place: Place, before?: Store): Store {
  try {
    return openSound(place, before)
  } catch (error) {
    if (!isCorrupt(error)) throw error
    return openAnew(place, error as Error)
  }
}

function openSound({ folder, begin }: Place, before?: Store): Store {
  const store = new Store(folder)
  try {
    store.check()
    store.transaction(() => {
      if (before) copyFacts(before, store)
      begin(store)
    })
    return store
  } catch (error) {
    store.close()
    throw error
  }
}

/** Sets the corrupt database aside, and saves what can be read of it. */
export function openAnew({ folder, log, begin }: Place, reason: Error): Store {
  const aside = setAside(folder, new Date())
  const store = new Store(folder)
  const saved = store.transaction(() => {
    const rows = salvage(aside, store)
    begin(store)
    return rows
  })
  log.error(
    { reason: reason.message, set_aside: aside, saved },
    'the memory is corrupt: it was set aside, and a new one learns its baseline; what could be read is in it',
  )
  return store
}
