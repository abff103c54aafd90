import { closeSync, openSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { isOutdated, migrate } from './schema.js'

/** The database in a storage folder. */
export const databaseFile = (folder: string): string => join(folder, 'destinations.db')

/**
 * Opens a database file, or one in memory where there is none. One of an earlier version that may only be
 * read is read from a copy in memory, which is brought to this version.
 *
 * @throws Error of the file system or SQLite
 */
export function openDatabase(file: string | undefined, options: Database.Options): Database.Database {
  // It says whom this host talks to: it is nobody else's. SQLite gives its mode to the files beside it.
  if (file !== undefined && !options.readonly && !options.fileMustExist) {
    closeSync(openSync(file, 'a', 0o600))
  }
  const database = new Database(file ?? ':memory:', options)
  try {
    if (!options.readonly || !isOutdated(database)) return database
    const bytes = database.serialize()
    database.close()
    return openCopy(bytes)
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * A database in memory, of the bytes of a file, which are changed; brought to this version.
 *
 * @throws Error of SQLite, or as `migrate` does
 */
export function openCopy(bytes: Buffer): Database.Database {
  // Not in WAL mode, which takes files: bytes 18 and 19, https://sqlite.org/fileformat2.html
  bytes.fill(1, 18, 20)
  const copy = new Database(bytes)
  try {
    migrate(copy)
    return copy
  } catch (error) {
    copy.close()
    throw error
  }
}

/** What tells a file from another in its place; undefined: there is none. */
export function inodeOf(file: string): string | undefined {
  const { dev, ino } = statSync(file, { throwIfNoEntry: false, bigint: true }) ?? {}
  return ino === undefined ? undefined : `${dev}:${ino}`
}
