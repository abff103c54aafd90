import { defaults, type Values } from './options.js'
import { parseSettings, type Settings } from './settings.js'

/** What the command line says. */
export interface CommandLine {
  /** The values that were given. */
  readonly given: Partial<Values>
  readonly configFile?: string
  /** Only validate. */
  readonly configCheck: boolean
}

/**
 * The settings: the command line before the configuration file, the file before the defaults. Reads
 * the file anew with each call.
 *
 * @throws UserError naming the first value that is wrong, and where it is
 */
export async function loadSettings({ given, configFile }: CommandLine): Promise<Settings> {
  // Loaded when asked for: parser and validator take longer to load than all the rest.
  const file =
    configFile === undefined ? undefined : (await import('./config-file.js')).readConfigFile(configFile)
  return parseSettings({ ...defaults, ...file?.values, ...given }, (name) =>
    file && name in file.values && !(name in given) ? file.origin(name) : `--${name}`,
  )
}
