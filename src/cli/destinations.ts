import { userInfo } from 'node:os'
import { parseExpectation } from '../config/expectation.js'
import { parseDuration } from '../config/duration.js'
import { parsePrefix } from '../config/prefix.js'
import { printRows } from '../destinations/print.js'
import { ExitCode, UserError, usageError } from '../errors.js'
import { eventOf, type Remembered } from '../memory/rows.js'
import type { Selection } from '../memory/selection.js'
import { databaseFile } from '../memory/database-file.js'
import { Store } from '../memory/store.js'
import type { StoredExpectation } from '../memory/stored-expectations.js'
import { escapeControls } from '../terminal.js'
import type { DestinationsFlags, DestinationsWish } from './commands/destinations.js'

/**
 * Lists, acknowledges or forgets what the memory holds, and keeps rules of what is expected.
 *
 * @throws UserError if there is no memory, or nothing in it is meant
 */
export function destinations(
  { action, subjects, flags, folder }: DestinationsWish,
  print: (line: string) => void,
  now = Date.now(),
): void {
  const store = open(folder, action === 'list' || action === 'expected')
  try {
    const { note = null } = flags
    if (action === 'list') {
      const selection = selectionOf(flags, now)
      printRows(() => store.select(selection), flags, print)
    } else if (action === 'expected') {
      printRules(store.expectations.list(), print)
    } else if (action === 'expect' || action === 'unexpect') {
      keepRules(store, action, subjects, note, now)
      for (const rule of subjects) print(`${action}ed: ${rule}`)
    } else {
      const within = subjects.map((address) => read(action, address, parsePrefix))
      const chosen = store.transaction(() => change(store, action, { within }, note, now))
      if (chosen.length === 0)
        throw failure(
          `${action}: nothing ${action === 'unack' ? 'acknowledged or expected' : 'in the memory'} lies within ${subjects.join(', ')}`,
        )
      for (const { interface: iface, destination } of chosen)
        print(`${done[action]}: ${destination} on ${iface}`)
    }
  } finally {
    store.close()
  }
}

function selectionOf({ status, interface: iface, since, within }: DestinationsFlags, now: number): Selection {
  return {
    ...(status !== undefined && { status }),
    ...(iface !== undefined && { interface: iface }),
    ...(since !== undefined && { firstSeenFromMs: now - read('--since', since, parseDuration) }),
    ...(within !== undefined && { within: [read('--within', within, parsePrefix)] }),
  }
}

/** As a configuration file has them. */
function printRules(rules: readonly StoredExpectation[], print: (line: string) => void): void {
  print(rules.length === 0 ? 'expect: []' : 'expect:')
  for (const { rule, note } of rules)
    print(`- ${JSON.stringify(rule)}${note === null ? '' : ` # ${escapeControls(note)}`}`)
}

/** Adds rules or removes them, all or none; the exporter acts on them when it looks next. */
function keepRules(
  store: Store,
  action: 'expect' | 'unexpect',
  rules: readonly string[],
  note: string | null,
  atMs: number,
): void {
  if (action === 'expect') for (const rule of rules) read(action, rule, parseExpectation)
  store.transaction(() => {
    for (const rule of rules) {
      if (action === 'expect') store.expectations.add({ rule, atMs, note })
      else if (!store.expectations.remove(rule))
        throw failure(`unexpect: there is no rule '${rule}'; destinations expected has them`)
    }
  })
}

const done = { ack: 'acknowledged', unack: 'unacknowledged', forget: 'forgotten' } as const

/** Acknowledges or forgets what is selected, or takes that back, and has the audit log tell of it. */
function change(
  store: Store,
  action: keyof typeof done,
  selection: Selection,
  note: string | null,
  atMs: number,
): readonly Remembered[] {
  const selected = [...store.select(selection)]
  const actor = actorName()
  const event = (one: Remembered, rest: Parameters<typeof eventOf>[3]) =>
    eventOf(done[action], one, atMs, { note: one.note, actor, ...rest })
  switch (action) {
    case 'ack':
      for (const one of selected) store.acknowledge(one, atMs, note)
      store.addEvents(selected.map((one) => event(one, { status: 'acknowledged', note: note ?? one.note })))
      return selected
    case 'unack': {
      const changed = selected.filter((one) => store.unacknowledge(one))
      store.addEvents(changed.map((one) => event(one, { status: 'new', note })))
      return changed
    }
    case 'forget':
      store.forget(selected)
      store.addEvents(selected.map((one) => event(one, { status: one.status, reason: 'command' })))
      return selected
  }
}

/** Who runs the command: whoever became root for it. */
function actorName(): string {
  const { SUDO_USER: sudoer } = process.env
  if (sudoer) return sudoer
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? '') // it has no name here
  }
}

const failure = (message: string) => new UserError(`destinations ${message}`, ExitCode.failed)

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
