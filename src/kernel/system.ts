import { loadAddon } from './native/addon.js'
import type { System } from './native/system.js'

export type { System }

/**
 * What the addon does for the process.
 *
 * @throws UserError if the addon is not built, or not for this machine
 */
export const loadSystem = (): System => loadAddon()
