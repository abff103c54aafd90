// Compiles the tests to plain JavaScript, for what runs without tap's own loader.
import { execFileSync } from 'node:child_process'
import { copyFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

/** @param folder is replaced; relative to the root, two levels below it */
export function compileTests(folder) {
  rmSync(folder, { recursive: true, force: true })
  const options = ['-p', 'test', '--noEmit', 'false', '--outDir', folder, '--sourceMap', 'false']
  execFileSync('node_modules/.bin/tsc', options, { stdio: ['ignore', 2, 2] })
  const support = join(folder, 'test/support')
  for (const file of readdirSync('test/support').filter((file) => !file.endsWith('.ts'))) {
    copyFileSync(join('test/support', file), join(support, file))
  }
  // From there, ../../build is the addon's folder and ../package.json the version's.
  symlinkSync('../../build', join(folder, 'build'))
  symlinkSync('../../package.json', join(folder, 'package.json'))
  symlinkSync('../../dist', join(folder, 'dist'))
}
