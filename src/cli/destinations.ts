import { Option } from 'commander'
import { parseDuration } from '../config/duration.js'
import { defaults } from '../config/options.js'
import { parsePrefix } from '../config/prefix.js'
import { printRows } from '../destinations/print.js'
import { ExitCode, UserError, usageError } from '../errors.js'
import { eventOf, type Remembered, type Status, statuses } from '../memory/rows.js'
import type { Selection } from '../memory/selection.js'
import { databaseFile, Store } from '../memory/store.js'
import { command, settingOption } from './flags.js'

const examples = `
Examples:
  egress-exporter destinations --status new              what nobody has acknowledged
  egress-exporter destinations --since 24h --csv         first contacts of the last day, for a table
  egress-exporter destinations ack 192.0.2.7             it is known; its alert resolves
  egress-exporter destinations ack 198.51.100.0/24 --note 'the new backup provider'
  egress-exporter destinations forget 192.0.2.7          its next first contact is news again

It works while the exporter runs, which takes changes over within --poll.interval.`

interface Flags {
  readonly status?: Status
  readonly interface?: string
  readonly within?: string
  readonly since?: string
  readonly json?: true
  readonly csv?: true
  readonly note?: string
}

const actions = ['list', 'ack', 'forget'] as const
type Action = (typeof actions)[number]

/**
 * Lists, acknowledges or forgets what the memory holds.
 *
 * @throws CommanderError after help or a line about a wrong flag; UserError if there is no memory, or
 *   nothing in it is meant
 */
export function destinations(argv: readonly string[], print: (line: string) => void, now = Date.now()): void {
  const { action, addresses, flags, folder } = parse(argv)
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

function parse(argv: readonly string[]) {
  const storage = settingOption('storage.path')
  const program = command('egress-exporter destinations')
    .description('Lists, acknowledges or forgets the destinations that the memory holds.')
    .usage('[list | ack ADDRESS|CIDR… | forget ADDRESS|CIDR…] [flags]')
    .argument('[words...]', 'list, which is the default; or ack or forget, and what')
    .addOption(new Option('--status <status>', 'only these').choices(statuses))
    .option('--interface <name>', 'only those of this interface')
    .option('--within <cidr>', 'only those within this prefix')
    .option('--since <duration>', 'only those first seen in the last so long, such as 24h')
    .addOption(new Option('--json', 'as JSON').conflicts('csv'))
    .option('--csv', 'as comma-separated values (RFC 4180)')
    .option('--note <text>', 'what to remember with an acknowledgement')
    .addOption(storage)
    .addHelpText('after', examples)
    .parse(argv, { from: 'user' })
  const [action = 'list', ...addresses] = program.args
  if (!isAction(action)) program.error(`unknown word '${action}': write list, ack or forget`)
  if (action !== 'list' && addresses.length === 0)
    program.error(`${action}: write what, an address or a prefix`)
  if (action === 'list' && addresses.length > 0) program.error('list takes no addresses: write --within')
  return {
    action: action as Action,
    addresses,
    flags: program.opts<Flags>(),
    folder:
      (program.getOptionValue(storage.attributeName()) as string | undefined) ?? defaults['storage.path'],
  }
}

const isAction = (word: string): word is Action => (actions as readonly string[]).includes(word)

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
