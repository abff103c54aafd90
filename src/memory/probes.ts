// What may fail, and is then no more than an answer.
import Database from 'better-sqlite3'
import type { Summary } from './memory-store.js'
import { Store } from './store.js'

/** A database that cannot be written, as far as it can be read. */
export function openReadOnly(folder: string): Store | undefined {
  for (const open of [
    () => new Store(folder, { readonly: true, mustExist: true }),
    () => Store.copy(folder),
  ]) {
    try {
      const store = open()
      store.count()
      return store
    } catch {
      // The next way, or none.
    }
  }
  return undefined
}

/** What a store says of all that it holds; undefined where it cannot be read. */
export function summaryOf(store: Store): Summary | undefined {
  try {
    return store.summary()
  } catch {
    return undefined
  }
}

/** Whether the file of a store is still where it was opened, as far as that can be told. */
export function isInPlace(store: Store): boolean {
  try {
    return store.isInPlace()
  } catch {
    return true // it cannot be told
  }
}

/** Of SQLite or of the file system; anything else is a mistake of ours. */
export function isStorageError(error: unknown): boolean {
  return error instanceof Database.SqliteError || typeof (error as NodeJS.ErrnoException).syscall === 'string'
}
