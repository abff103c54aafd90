import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../root.js'

/**
 * @param folder where one for another machine is kept between runs
 * @param architecture as Node names it
 * @returns the folder of the Node.js that package.json names
 */
export function fetchNode(folder, architecture) {
  const name = `node-linux-${architecture}`
  if (architecture === process.arch) return join(root, 'node_modules', name)
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const options = ['--no-save', '--no-audit', '--no-fund', '--loglevel=error', '--force']
  execFileSync(
    'npm',
    [
      ...['install', `--prefix=${folder}`, ...options, `--cpu=${architecture}`],
      `${name}@${optionalDependencies[name]}`,
    ],
    { stdio: ['ignore', 2, 2] },
  )
  return join(folder, 'node_modules', name)
}
