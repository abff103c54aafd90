import { Command, Option } from 'commander'
import { definition, type OptionName } from '../config/options.js'

/** What every command has: one line for an error, and help. */
export function command(name: string): Command {
  // One line: commander puts its suggestion on a second one.
  const oneLine = (text: string) =>
    text
      .replace(/^error: /, '')
      .trim()
      .replaceAll('\n', ' ')
  return new Command(name)
    .helpOption('-h, --help', 'print this help and exit')
    .allowExcessArguments(false)
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(`egress-exporter: ${oneLine(text)}; see --help\n`),
    })
}

/** The option of a setting. Its default stands in the help alone: whether it was given must be seen. */
export function settingOption(name: OptionName): Option {
  const {
    value,
    help,
    list,
    choices,
    toggle,
    default: initial,
    shownDefault = String(initial),
  } = definition(name)
  if (toggle) return new Option(`--${name}`, help).argParser(() => 'true')
  const shown = shownDefault === '' ? help : `${help} (default: ${shownDefault})`
  const option = new Option(`--${name} <${value}>`, shown)
  if (choices) option.choices(choices)
  // After the choices, which read a value in their own way.
  if (list) {
    option.argParser((text: string, given: readonly string[] | undefined) => [...(given ?? []), text])
  }
  return option
}

/** The value of an option; commander joins its words at dashes alone, and a setting's at dots. */
export const valueOf = (command: Command, option: Option): unknown =>
  command.getOptionValue(option.attributeName())
