import { type CommandLine, loadSettings } from '../config/load.js'
import { ExitCode } from '../errors.js'
import { refuseOccupied } from '../web/listeners.js'
import { checkNetworkFiles } from '../networks/networks.js'
import { loadWebConfig } from '../web/web-config-file.js'

/**
 * Validates the settings, and touches nothing.
 *
 * @throws UserError for the first thing that is wrong
 */
export async function checkConfig(commandLine: CommandLine): Promise<void> {
  const { listen, webConfigFile, networkFiles } = await loadSettings(commandLine)
  for (const address of listen === 'systemd' ? [] : listen) {
    if ('path' in address) refuseOccupied(address.path, '--web.listen-address: ', ExitCode.usage)
  }
  if (webConfigFile !== '') loadWebConfig(webConfigFile)
  checkNetworkFiles(networkFiles)
}
