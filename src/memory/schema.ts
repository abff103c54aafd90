import type Database from 'better-sqlite3'

/** Each brings a database from the version of its place in the list to the next. */
const migrations = [
  `
  CREATE TABLE destinations (
    interface TEXT NOT NULL,
    destination TEXT NOT NULL,              -- an address, or a prefix
    first_seen_ms INTEGER NOT NULL,         -- all times since the Unix epoch
    last_seen_ms INTEGER NOT NULL,
    protocol INTEGER NOT NULL,              -- of the first packet, as is the port
    port INTEGER NOT NULL,                  -- 0: none
    packets INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    life TEXT NOT NULL,                     -- which record of the kernel's table counts it
    packets_before INTEGER NOT NULL,        -- that life
    bytes_before INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('baseline', 'new', 'acknowledged')),
    acknowledged_ms INTEGER,
    note TEXT,
    PRIMARY KEY (interface, destination)
  ) WITHOUT ROWID;
  CREATE INDEX new_destinations ON destinations (first_seen_ms) WHERE status = 'new';
  CREATE INDEX acknowledged_destinations ON destinations (acknowledged_ms) WHERE acknowledged_ms IS NOT NULL;
  CREATE TABLE interfaces (
    interface TEXT PRIMARY KEY,
    new_destinations INTEGER NOT NULL       -- seen after the baseline, acknowledged or not
  ) WITHOUT ROWID;
  CREATE TABLE facts (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
  `,
]

/**
 * Brings a database to the newest version.
 *
 * @throws Error if it is of a version that this program does not know, or cannot be written
 */
export function migrate(database: Database.Database): void {
  const version = database.pragma('user_version', { simple: true }) as number
  if (version > migrations.length) {
    throw new Error(`it is of version ${version}, and this program knows ${migrations.length} at most`)
  }
  database.transaction(() => {
    for (const migration of migrations.slice(version)) database.exec(migration)
    database.pragma(`user_version = ${migrations.length}`)
  })()
}
