import { type Command, Option } from 'commander'
import { defaults } from '../../config/options.js'
import { type Status, statuses } from '../../memory/rows.js'
import { command, settingOption, valueOf } from '../flags.js'

const examples = `
Examples:
  egress-exporter destinations --status new              what nobody has acknowledged
  egress-exporter destinations --since 24h --csv         first contacts of the last day, for a table
  egress-exporter destinations ack 192.0.2.7             it is known; its alert resolves
  egress-exporter destinations ack 198.51.100.0/24 --note 'the new backup provider'
  egress-exporter destinations unack 192.0.2.7           it is news again
  egress-exporter destinations forget 192.0.2.7          its next first contact is news again
  egress-exporter destinations expect 'network=aws/s3 port=443'   what comes later is no news either
  egress-exporter destinations unexpect 'network=aws/s3 port=443'
  egress-exporter destinations expected                  all such rules, for the configuration of other hosts

It works while the exporter runs, which takes changes over within --poll.interval.`

export interface DestinationsFlags {
  readonly status?: Status
  readonly interface?: string
  readonly within?: string
  readonly since?: string
  readonly json?: true
  readonly csv?: true
  readonly note?: string
}

/** What may stand first. */
export const actions = ['list', 'ack', 'unack', 'forget', 'expect', 'unexpect', 'expected'] as const
export type Action = (typeof actions)[number]

/** What is wanted of a memory. */
export interface DestinationsWish {
  readonly action: Action
  /** Addresses and prefixes, or rules, as they were written. */
  readonly subjects: readonly string[]
  readonly flags: DestinationsFlags
  /** Where the memory is. */
  readonly folder: string
}

/** What each action takes; undefined: nothing. */
const subjectsOf: Readonly<Record<Action, string | undefined>> = {
  list: undefined,
  ack: 'an address or a prefix',
  unack: 'an address or a prefix',
  forget: 'an address or a prefix',
  expect: "a rule such as 'network=aws/s3 port=443'",
  unexpect: 'a rule, as destinations expected has it',
  expected: undefined,
}

/** @param act gets what is wanted; the action may stand before the flags or after them */
export function destinationsCommand(act: (wish: DestinationsWish) => Promise<void> | void): Command {
  const storage = settingOption('storage.path')
  return command('destinations')
    .summary('list, acknowledge or forget what the memory holds')
    .description('Lists, acknowledges or forgets the destinations that the memory holds.')
    .usage(
      '[list | ack ADDRESS|CIDR… | unack ADDRESS|CIDR… | forget ADDRESS|CIDR… | expect RULE… | unexpect RULE… | expected] [flags]',
    )
    .argument('[words...]', 'list, which is the default; or another action, and what')
    .addOption(new Option('--status <status>', 'only these').choices(statuses))
    .option('--interface <name>', 'only those of this interface')
    .option('--within <cidr>', 'only those within this prefix')
    .option('--since <duration>', 'only those first seen in the last so long, such as 24h')
    .addOption(new Option('--json', 'as JSON').conflicts('csv'))
    .option('--csv', 'as comma-separated values (RFC 4180)')
    .option('--note <text>', 'what to remember with an acknowledgement or a rule')
    .addOption(storage)
    .addHelpText('after', examples)
    .action(([action = 'list', ...subjects]: string[], flags: DestinationsFlags, program: Command) => {
      if (!isAction(action))
        return program.error(`unknown word '${action}': write one of ${actions.join(', ')}`)
      const wanted = subjectsOf[action]
      if (wanted !== undefined && subjects.length === 0) program.error(`${action}: write what, ${wanted}`)
      if (wanted === undefined && subjects.length > 0)
        program.error(`${action} takes nothing${action === 'list' ? ': write --within' : ''}`)
      const folder = (valueOf(program, storage) as string | undefined) ?? defaults['storage.path']
      return act({ action, subjects, flags, folder })
    })
}

const isAction = (word: string): word is Action => (actions as readonly string[]).includes(word)
