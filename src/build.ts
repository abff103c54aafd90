import { readFileSync } from 'node:fs'

interface Build {
  readonly version: string
  /** The git commit that was built, or "unknown". */
  readonly revision: string
}

/** What `npm run build` wrote beside the compiled files. */
export const build: Build = readBuild()

function readBuild(): Build {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  let revision = 'unknown'
  try {
    revision = readFileSync(new URL('./revision', import.meta.url), 'utf8').trim()
  } catch (error) {
    // Absent when the sources run without a build, as under test.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return { version: manifest.version, revision }
}
