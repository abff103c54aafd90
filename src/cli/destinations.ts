import { parseDuration } from '../config/duration.js'
import { parsePrefix } from '../config/prefix.js'
import { printRows } from '../destinations/print.js'
import { ExitCode, UserError, usageError } from '../errors.js'
import { eventOf, type Remembered } from '../memory/rows.js'
import type { Selection } from '../memory/selection.js'
import { databaseFile } from '../memory/database-file.js'
import { Store } from '../memory/store.js'
import type { Action, DestinationsWish } from './commands/destinations.js'

/**
 * Lists, acknowledges or forgets what the memory holds.
 *
 * @throws UserError if there is no memory, or nothing in it is meant
 */
export function destinations(
  { action, addresses, flags, folder }: DestinationsWish,
  print: (line: string) => void,
  now = Date.now(),
): void {
  const selection: Selection = {
    ...(flags.status !== undefined && { status: flags.status }),
    ...(flags.interface !== undefined && { interface: flags.interface }),
    ...(flags.since !== undefined && {
      firstSeenFromMs: now - read('--since', flags.since, parseDuration),
    }),
    ...(flags.within !== undefined && { within: [read('--within', flags.within, parsePrefix)] }),
    ...(addresses.length > 0 && {
      within: addresses.map((address) => read(action, address, parsePrefix)),
    }),
  }
  const store = open(folder, action === 'list')
  try {
    if (action === 'list') {
      printRows(() => store.select(selection), flags, print)
      return
    }
    const { note = null } = flags
    const chosen = store.transaction(() => change(store, action, selection, note, now))
    if (chosen.length === 0) {
      throw new UserError(
        `destinations ${action}: nothing in the memory lies within ${addresses.join(', ')}`,
        ExitCode.failed,
      )
    }
    const done = action === 'ack' ? 'acknowledged' : 'forgotten'
    for (const { interface: iface, destination } of chosen) print(`${done}: ${destination} on ${iface}`)
  } finally {
    store.close()
  }
}

/** Acknowledges or forgets what is selected, and has the audit log tell of it. */
function change(
  store: Store,
  action: Exclude<Action, 'list'>,
  selection: Selection,
  note: string | null,
  atMs: number,
): readonly Remembered[] {
  const chosen = [...store.select(selection)]
  if (action === 'ack') {
    for (const one of chosen) store.acknowledge(one, atMs, note)
    const status = 'acknowledged'
    store.addEvents(
      chosen.map((one) => eventOf('acknowledged', one, atMs, { status, note: note ?? one.note })),
    )
  } else {
    store.forget(chosen)
    store.addEvents(
      chosen.map((one) =>
        eventOf('forgotten', one, atMs, { status: one.status, note: one.note, reason: 'command' }),
      ),
    )
  }
  return chosen
}

function read<T>(what: string, text: string, parse: (text: string) => T): T {
  try {
    return parse(text)
  } catch (error) {
    throw usageError(`${what}: ${(error as Error).message}`)
  }
}

function open(folder: string, readonly: boolean): Store {
  try {
    return new Store(folder, { readonly, mustExist: true })
  } catch (error) {
    throw new UserError(
      `destinations: cannot open ${databaseFile(folder)}: ${(error as Error).message}; --storage.path says where it is`,
      ExitCode.failed,
      { cause: error },
    )
  }
}
