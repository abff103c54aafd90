import { closeSync, openSync, rmSync, statSync } from 'node:fs'
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

/** A database's file and what lies beside it, as they were when it was opened. */
export class DatabaseFiles {
  readonly #inodes: ReadonlyMap<string, string | undefined>
  readonly #beside: readonly string[]

  /** @param file undefined: it is in memory */
  constructor(file: string | undefined) {
    this.#beside = file === undefined ? [] : ['-wal', '-shm'].map((suffix) => file + suffix)
    const all = file === undefined ? [] : [file, ...this.#beside]
    this.#inodes = new Map(all.map((file) => [file, inodeOf(file)]))
  }

  /** Without the log, or the index of that, other processes cannot read what is in the database. */
  areInPlace(): boolean {
    return [...this.#inodes.keys()].every((file) => this.#isInPlace(file))
  }

  /** Of a file that is not in place: SQLite leaves it, and would take it for that of the file there now. */
  removeLog(): void {
    for (const file of this.#beside) if (this.#isInPlace(file)) rmSync(file, { force: true })
  }

  #isInPlace(file: string): boolean {
    return inodeOf(file) === this.#inodes.get(file)
  }
}

/** What tells a file from another in its place; undefined: there is none. */
function inodeOf(file: string): string | undefined {
  const { dev, ino } = statSync(file, { throwIfNoEntry: false, bigint: true }) ?? {}
  return ino === undefined ? undefined : `${dev}:${ino}`
}
