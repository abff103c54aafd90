// What can be written on the command line, as the program itself knows it.
import { importTypeScript } from '../import-typescript.js'

/**
 * @returns each command, `run` first: { name, summary, usage, actions, options, examples }, actions being the
 *   words that may stand first, and each option { flag, value, help, choices }; and the settings of src/config/options.ts
 */
export async function readCommandLine() {
  const { options: settings } = await importTypeScript('src/config/options.ts', 'options')
  const commands = []
  for (const name of ['run', 'top', 'destinations', 'check', 'cleanup']) {
    const module = await importTypeScript(`src/cli/commands/${name}.ts`, `command-${name}`)
    commands.push(
      describe(
        name,
        module[`${name}Command`](() => undefined),
        module.actions ?? [],
      ),
    )
  }
  return { commands, settings }
}

function describe(name, command, actions) {
  return {
    name,
    actions,
    summary: command.description(),
    usage: command.usage(),
    options: [
      ...command.options.map((option) => ({
        flag: option.long,
        value: option.flags.match(/<(.*)>/)?.[1],
        help: option.description,
        choices: option.argChoices ?? [],
      })),
      { flag: '--help', value: undefined, help: 'print help and exit', choices: [] },
    ],
    examples: examplesOf(command),
  }
}

/** @returns [command line, what it is for] each */
function examplesOf(command) {
  let text = ''
  command.configureOutput({ writeOut: (part) => (text += part) })
  command.outputHelp()
  const [, part = ''] = text.split('\nExamples:\n')
  return part
    .split('\n\n', 1)[0]
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [written, what = ''] = line.trim().split(/ {2,}/)
      return [written, what]
    })
}
