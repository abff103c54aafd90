import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'

/** A clone of what set-up needs, on a machine whose Node.js and npm are as told. */
function clone(
  t: { teardown(action: () => void): void },
  machine: { node?: string; npm?: string; only?: string[] },
) {
  const folder = mkdtempSync(join(tmpdir(), 'egress-setup-'))
  t.teardown(() => {
    chmodSync(folder, 0o755)
    rmSync(folder, { recursive: true })
  })
  for (const name of ['setup.sh', 'setup.js', 'root.js'])
    cpSync(`scripts/${name}`, join(folder, 'scripts', name))
  for (const name of ['package.json', 'package-lock.json']) cpSync(name, join(folder, name))
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  const preload = `data:text/javascript,${encodeURIComponent(machine.node ?? '')}`
  const programs = {
    node: `exec '${process.execPath}' --import '${preload}' "$@"`,
    npm: machine.npm ?? 'exit 1',
  }
  for (const [name, script] of Object.entries(programs))
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  for (const name of machine.only ?? []) symlinkSync(`/usr/bin/${name}`, join(bin, name))
  const path = machine.only ? bin : `${bin}:${process.env.PATH}`
  return { folder, path }
}

/** What set-up says, a line each, when it fails. */
function setup({ folder, path }: { folder: string; path: string }): string[] {
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['scripts/setup.sh'], {
    cwd: folder,
    env: { ...process.env, PATH: path },
    encoding: 'utf8',
  })
  t.equal(status, 1)
  t.equal(stdout, '')
  return stderr.trimEnd().split('\n')
}

const override = (object: string, name: string, value: unknown) =>
  `Object.defineProperty(${object}, "${name}", { value: ${JSON.stringify(value)} })`

t.test('a machine that cannot build gets one sentence', (t) => {
  const cases: [string, Parameters<typeof clone>[1], RegExp][] = [
    [
      'Node 18',
      { node: override('process', 'versions', { node: '18.20.8' }) },
      /^egress-exporter: Node\.js 18\.20\.8 is too old: install 20 or newer; it only begins/,
    ],
    [
      'musl',
      { node: 'process.report.getReport = () => ({ header: {} })' },
      /^egress-exporter: this system has no glibc \(musl\?\): run it on Debian/,
    ],
    [
      'another processor',
      { node: override('process', 'arch', 's390x') },
      /^egress-exporter: there is no Node\.js for s390x in npm: run it on x64 or arm64$/,
    ],
    [
      'neither compiler nor apt',
      { only: ['find', 'head', 'uname', 'rm'] },
      /^egress-exporter: missing: clang, .*; install what Debian calls clang llvm .*g\+\+ make python3$/,
    ],
  ]
  for (const [name, machine, sentence] of cases) {
    const lines = setup(clone(t, machine))
    t.equal(lines.length, 1, name)
    t.match(lines[0], sentence, name)
  }
  t.end()
})

t.test('a folder that cannot be written', (t) => {
  const where = clone(t, {})
  chmodSync(where.folder, 0o555)
  const lines = setup(where)
  t.equal(lines.length, 1)
  t.match(
    lines[0],
    /^egress-exporter: cannot set up in \/.* \(EACCES\): run it as the owner of that folder, or in a copy of your own$/,
  )
  t.end()
})

t.test('npm without its registry', (t) => {
  const [first, last] = setup(clone(t, {}))
  t.equal(first, 'egress-exporter: installing npm packages')
  t.match(last, /^egress-exporter: failed: npm ci --omit=dev .*: npm needs its registry, by HTTPS_PROXY=/)
  t.end()
})

t.test('a lock file of another architecture', (t) => {
  const npm = 'mkdir node_modules && echo {} >node_modules/.package-lock.json'
  const [, last] = setup(clone(t, { npm }))
  t.match(
    last,
    /^egress-exporter: package-lock\.json does not bring Node\.js for \w+: take the one of the repository$/,
  )
  t.end()
})
