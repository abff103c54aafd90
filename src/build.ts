import { readFileSync } from 'node:fs'
import { root } from './root.js'

interface Build {
  readonly version: string
  /** The git commit that was built, or "unknown". */
  readonly revision: string
}

/** What `npm run build` wrote beside the compiled files. */
export const build: Build = readBuild()

function readBuild(): Build {
  const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
    version: string
  }
  let revision = 'unknown'
  try {
    revision = readFileSync(new URL('dist/revision', root), 'utf8').trim()
  } catch (error) {
    // Absent when the sources run without a build.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return { version: manifest.version, revision }
}
