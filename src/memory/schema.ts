import type Database from 'better-sqlite3'
import type { Network } from '../networks/network.js'
import type { EventRow, Remembered, ServiceContact, StoredDestination } from './rows.js'

type Columns<Row> = Readonly<Record<keyof Row, string>>

/** The columns of what it belongs to. */
export const networkColumns: Columns<Network> = {
  network: 'network',
  asn: 'asn',
  asName: 'as_name',
  country: 'country',
}

/** The columns of what people see of a destination, by the names that rows have for them. */
export const rememberedColumns: Columns<Remembered> = {
  interface: 'interface',
  destination: 'destination',
  firstSeenMs: 'first_seen_ms',
  lastSeenMs: 'last_seen_ms',
  protocol: 'protocol',
  port: 'port',
  packets: 'packets',
  bytes: 'bytes',
  status: 'status',
  acknowledgedMs: 'acknowledged_ms',
  note: 'note',
  service: 'service',
  uid: 'uid',
  name: 'name',
  novelty: 'novelty',
  ...networkColumns,
}

/** With news of a service a destination is new, whoever knew it before. */
export const shownStatus = `CASE WHEN EXISTS (SELECT 1 FROM service_contacts AS s
  WHERE s.interface = destinations.interface AND s.destination = destinations.destination AND s.status = 'new')
  THEN 'new' ELSE status END`

/** All columns of a destination. */
export const destinationColumns: Columns<StoredDestination> = {
  ...rememberedColumns,
  life: 'life',
  packetsBefore: 'packets_before',
  bytesBefore: 'bytes_before',
  firstLivedMs: 'first_lived_ms',
  lastLivedMs: 'last_lived_ms',
}

/** All columns of what a service sends to. */
export const serviceContactColumns: Columns<ServiceContact> = {
  ...{ interface: 'interface', destination: 'destination', service: 'service', uid: 'uid' },
  ...{ protocol: 'protocol', port: 'port', status: 'status' },
  ...{ firstSeenMs: 'first_seen_ms', firstLivedMs: 'first_lived_ms', lastLivedMs: 'last_lived_ms' },
  isFirst: 'is_first',
}

/** All columns of an event but its place. */
export const eventColumns: Columns<EventRow> = {
  ...{ atMs: 'at_ms', event: 'event', interface: 'interface', destination: 'destination' },
  ...{ protocol: 'protocol', port: 'port', service: 'service', uid: 'uid', name: 'name' },
  novelty: 'novelty',
  ...networkColumns,
  ...{ status: 'status', note: 'note', reason: 'reason', actor: 'actor' },
}

/** What databases of earlier versions lack of them. */
export const laterColumns = {
  ...{ first_lived_ms: 0, last_lived_ms: 0, service: null, uid: null, name: null },
  ...{ novelty: null, network: null, asn: null, as_name: null, country: null },
}

/** Each brings a database from the version of its place in the list to the next. */
export const migrations = [
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
  `
  DROP INDEX acknowledged_destinations;
  -- The same times by the lived clock, which nobody can set.
  ALTER TABLE destinations ADD COLUMN first_lived_ms INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE destinations ADD COLUMN last_lived_ms INTEGER NOT NULL DEFAULT 0;
  UPDATE destinations SET
    first_lived_ms = min(0, first_seen_ms - (SELECT max(last_seen_ms) FROM destinations)),
    last_lived_ms = last_seen_ms - (SELECT max(last_seen_ms) FROM destinations);
  CREATE INDEX last_lived ON destinations (last_lived_ms);
  -- What the audit log is still to tell, in order; written with what it tells of.
  CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    event TEXT NOT NULL,
    interface TEXT NOT NULL,
    destination TEXT NOT NULL,
    protocol INTEGER NOT NULL,
    port INTEGER NOT NULL,
    status TEXT,
    note TEXT,
    reason TEXT                             -- of what is forgotten
  );
  `,
  `
  -- Who sent the first packet, and the user of its socket; null: not known.
  ALTER TABLE destinations ADD COLUMN service TEXT;
  ALTER TABLE destinations ADD COLUMN uid INTEGER;
  ALTER TABLE events ADD COLUMN service TEXT;
  ALTER TABLE events ADD COLUMN uid INTEGER;
  `,
  `
  -- What the address belongs to, as the files of networks have it; null: not known.
  ALTER TABLE destinations ADD COLUMN network TEXT;
  ALTER TABLE destinations ADD COLUMN asn INTEGER;
  ALTER TABLE destinations ADD COLUMN as_name TEXT;
  ALTER TABLE destinations ADD COLUMN country TEXT;
  ALTER TABLE events ADD COLUMN network TEXT;
  ALTER TABLE events ADD COLUMN asn INTEGER;
  ALTER TABLE events ADD COLUMN as_name TEXT;
  ALTER TABLE events ADD COLUMN country TEXT;
  `,
  `
  -- Which service sends where, as far as it is asked what is new for a service.
  CREATE TABLE service_contacts (
    interface TEXT NOT NULL,
    destination TEXT NOT NULL,
    service TEXT NOT NULL,
    uid INTEGER,                            -- of its first packet, as are port and protocol
    protocol INTEGER NOT NULL,
    port INTEGER NOT NULL,
    status TEXT NOT NULL,                   -- as of destinations
    first_seen_ms INTEGER NOT NULL,
    first_lived_ms INTEGER NOT NULL,
    last_lived_ms INTEGER NOT NULL,
    is_first INTEGER NOT NULL,              -- nobody sent there before: its news are the destination's
    PRIMARY KEY (interface, destination, service)
  ) WITHOUT ROWID;
  CREATE INDEX news_of_services ON service_contacts (first_seen_ms) WHERE status = 'new' AND is_first = 0;
  CREATE INDEX new_service_contacts ON service_contacts (first_seen_ms) WHERE status = 'new';
  CREATE INDEX idle_service_contacts ON service_contacts (last_lived_ms);
  CREATE TRIGGER forget_service_contacts AFTER DELETE ON destinations BEGIN
    DELETE FROM service_contacts WHERE interface = old.interface AND destination = old.destination;
  END;
  `,
  `
  -- What was new with the first contact; null: not known.
  ALTER TABLE destinations ADD COLUMN novelty TEXT;
  ALTER TABLE events ADD COLUMN novelty TEXT;
  CREATE INDEX network_destinations ON destinations (network) WHERE network IS NOT NULL;
  `,
  `
  -- First contacts that a rule expects are no news. A table's CHECK is exchanged with the table.
  ALTER TABLE destinations RENAME TO destinations_before;
  CREATE TABLE destinations (
    interface TEXT NOT NULL,
    destination TEXT NOT NULL,
    first_seen_ms INTEGER NOT NULL,
    last_seen_ms INTEGER NOT NULL,
    protocol INTEGER NOT NULL,
    port INTEGER NOT NULL,
    packets INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    life TEXT NOT NULL,
    packets_before INTEGER NOT NULL,
    bytes_before INTEGER NOT NULL,
    status TEXT NOT NULL,                   -- baseline, new, acknowledged, expected
    acknowledged_ms INTEGER,
    note TEXT,
    first_lived_ms INTEGER NOT NULL,
    last_lived_ms INTEGER NOT NULL,
    service TEXT,
    uid INTEGER,
    network TEXT,
    asn INTEGER,
    as_name TEXT,
    country TEXT,
    novelty TEXT,
    PRIMARY KEY (interface, destination)
  ) WITHOUT ROWID;
  INSERT INTO destinations SELECT interface, destination, first_seen_ms, last_seen_ms, protocol, port,
    packets, bytes, life, packets_before, bytes_before, status, acknowledged_ms, note, first_lived_ms,
    last_lived_ms, service, uid, network, asn, as_name, country, novelty FROM destinations_before;
  DROP TABLE destinations_before;
  CREATE INDEX new_destinations ON destinations (first_seen_ms) WHERE status = 'new';
  CREATE INDEX last_lived ON destinations (last_lived_ms);
  CREATE INDEX network_destinations ON destinations (network) WHERE network IS NOT NULL;
  CREATE TRIGGER forget_service_contacts AFTER DELETE ON destinations BEGIN
    DELETE FROM service_contacts WHERE interface = old.interface AND destination = old.destination;
  END;
  ALTER TABLE events ADD COLUMN actor TEXT; -- who wanted it; null: nobody
  CREATE TABLE expectations (
    rule TEXT PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    note TEXT
  ) WITHOUT ROWID;
  `,
  `
  -- The name that led to the address before the first packet; empty: none did; null: not known.
  ALTER TABLE destinations ADD COLUMN name TEXT;
  ALTER TABLE events ADD COLUMN name TEXT;
  `,
]

const versionOf = (database: Database.Database) => database.pragma('user_version', { simple: true }) as number

/** Whether a database is of an earlier version, and is to be migrated before anybody reads it. */
export const isOutdated = (database: Database.Database): boolean => versionOf(database) < migrations.length

/**
 * Brings a database to the newest version.
 *
 * @throws Error if it is of a version that this program does not know, or cannot be written
 */
export function migrate(database: Database.Database): void {
  if (versionOf(database) > migrations.length) {
    throw new Error(
      `it is of version ${versionOf(database)}, and this program knows ${migrations.length} at most`,
    )
  }
  if (!isOutdated(database)) return
  database
    .transaction(() => {
      // Once more: another process may have been first.
      for (const migration of migrations.slice(versionOf(database))) database.exec(migration)
      database.pragma(`user_version = ${migrations.length}`)
    })
    .immediate()
}
