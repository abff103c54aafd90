import { closeSync, openSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'

/** The database in a storage folder. */
export const databaseFile = (folder: string): string => join(folder, 'destinations.db')

/**
 * Opens a database file, or one in memory where there is none.
 *
 * @throws Error of the file system or SQLite
 */
export function openDatabase(file: string | undefined, options: Database.Options): Database.Database {
  // It says whom this host talks to: it is nobody else's. SQLite gives its mode to the files beside it.
  if (file !== undefined && !options.readonly && !options.fileMustExist) {
    closeSync(openSync(file, 'a', 0o600))
  }
  return new Database(file ?? ':memory:', options)
}

/** What tells a file from another in its place; undefined: there is none. */
export function inodeOf(file: string): string | undefined {
  const { dev, ino } = statSync(file, { throwIfNoEntry: false, bigint: true }) ?? {}
  return ino === undefined ? undefined : `${dev}:${ino}`
}
