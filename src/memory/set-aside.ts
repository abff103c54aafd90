import { renameSync } from 'node:fs'
import Database from 'better-sqlite3'
import { laterColumns } from './schema.js'
import type { Row } from './statements.js'
import { databaseFile } from './database-file.js'
import type { Store } from './store.js'
import type { StoredExpectation } from './stored-expectations.js'

/** Whether an error says that the file is no sound database. */
export function isCorrupt(error: unknown): boolean {
  const code = error instanceof Database.SqliteError ? error.code : ''
  return code.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB'
}

/** Sets a corrupt database aside, with what belongs to it. @returns its new name */
export function setAside(folder: string, now: Date): string {
  const file = databaseFile(folder)
  const aside = `${file}.corrupt-${now.toISOString().replaceAll(/[-:]|\.\d+/g, '')}`
  for (const suffix of ['', '-wal', '-shm']) {
    try {
      renameSync(file + suffix, aside + suffix)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return aside
}

/**
 * Saves what can still be read of a corrupt database: from the first row up to the damage, and from the
 * last one back to it.
 *
 * @returns how many destinations were saved
 */
export function salvage(file: string, into: Store): number {
  let saved = 0
  const database = new Database(file, { readonly: true, fileMustExist: true })
  const each = (sql: string, use: (row: Row) => void) => {
    try {
      for (const row of database.prepare<[], Row>(sql).iterate()) use(row)
    } catch {
      // So far and no further.
    }
  }
  try {
    const save = (row: Row) => {
      if (into.takeOver({ ...laterColumns, ...row })) saved++
    }
    each('SELECT * FROM destinations ORDER BY interface, destination', save)
    each('SELECT * FROM destinations ORDER BY interface DESC, destination DESC', save)
    each('SELECT * FROM service_contacts', (row) => into.services.takeOver(row))
    each('SELECT rule, at_ms AS atMs, note FROM expectations', (row) =>
      into.expectations.add(row as unknown as StoredExpectation),
    )
    each('SELECT * FROM interfaces', (row) =>
      into.addNew(String(row['interface']), Number(row['new_destinations'])),
    )
    each("SELECT value FROM facts WHERE name = 'clock'", ({ value }) => into.setFact('clock', value ?? ''))
  } finally {
    database.close()
  }
  return saved
}
