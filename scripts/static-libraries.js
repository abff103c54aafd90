// Prints the static libraries that the addon links, so that the .node file needs libc and libstdc++
// alone. libelf needs zstd where it was built with it (Debian 13, Ubuntu 24.04).
import { execFileSync } from 'node:child_process'
import { isAbsolute } from 'node:path'

// As make has it: a command, possibly with options.
const [compiler, ...options] = (process.env.CXX ?? 'g++').split(' ')
const find = (name) =>
  execFileSync(compiler, [...options, `-print-file-name=${name}`], { encoding: 'utf8' }).trim()

const libraries = ['libbpf.a', 'libelf.a', 'libz.a'].map((name) => {
  const path = find(name)
  if (!isAbsolute(path)) throw new Error(`${name} is missing: install libbpf-dev, libelf-dev and zlib1g-dev`)
  return path
})
const zstd = find('libzstd.a')
if (isAbsolute(zstd)) libraries.push(zstd)
console.log(libraries.join('\n'))
