import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, rmdirSync } from 'node:fs'
import t from 'tap'
import { Services } from '../../../src/services/services.js'
import { cgroupRoot } from '../../support/cgroups.js'

const root = cgroupRoot(t)
const top = `egress-test-${randomBytes(4).toString('hex')}`

/** Makes a cgroup that goes with the test, outer ones first. */
function make(name: Buffer | string): void {
  const path = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name)])
  mkdirSync(path)
  made.push(path)
}
const made: Buffer[] = []
t.teardown(() => {
  for (const path of made.toReversed()) rmdirSync(path)
})

/** The ids as the kernel gives them with name_to_handle_at(2), which BPF programs see too. */
function idsOf(names: readonly (Buffer | string)[]): bigint[] {
  const script = `import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
class Handle(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint), ("type", ctypes.c_int), ("bytes", ctypes.c_ubyte * 8)]
for line in sys.stdin:
    handle, mount = Handle(size=8), ctypes.c_int()
    path = bytes.fromhex(line.strip())
    assert libc.name_to_handle_at(-100, path, ctypes.byref(handle), ctypes.byref(mount), 0) == 0, ctypes.get_errno()
    print(int.from_bytes(bytes(handle.bytes), sys.byteorder))
`
  const paths = names.map((name) =>
    Buffer.concat([Buffer.from(`${root}/`), Buffer.from(name)]).toString('hex'),
  )
  const output = execFileSync('python3', ['-c', script], { input: paths.join('\n'), encoding: 'utf8' })
  return output.trim().split('\n').map(BigInt)
}

const nameOf = (services: Services, cgroupId: bigint) => services.describe(cgroupId, '')?.service

make(top)

t.test('every name that the kernel takes, by the id that it gives', (t) => {
  const shown = new Map<Buffer | string, string>([
    ['plain', 'plain'],
    ['a b"c', 'a b"c'],
    ['tatü', 'tatü'],
    ['\x1b[31m', '\\x1b[31m'],
    [Buffer.from([0xff, 0xfe, 0xc3]), '\\xff\\xfe\\xc3'],
    ['\\xff', '\\x5cxff'],
    ['\t\r\x7f', '\\x09\\x0d\\x7f'],
    ['\u009b', '\\xc2\\x9b'],
    ['...', '...'],
    ['n'.repeat(255), 'n'.repeat(255)],
  ])
  const names = [...shown.keys()].map((name) => Buffer.concat([Buffer.from(`${top}/`), Buffer.from(name)]))
  names.forEach(make)
  t.throws(() => make(`${top}/new\nline`), { code: 'EINVAL' }, 'the only byte that it does not')
  const services = new Services()
  t.same(
    idsOf(names).map((id) => nameOf(services, id)),
    [...shown.values()].map((name) => `/${top}/${name}`),
  )
  t.end()
})

t.test('units, containers and pods of a real tree', (t) => {
  const id = '6a8f1b3c5d7e9f0a1b2c3d4e5f607182'.repeat(2)
  // Slices hold slices, so that a tree of its own reads like the host's.
  const slice = `${top.replaceAll('-', '')}.slice`
  const tree = {
    [slice]: slice,
    [`${slice}/nginx.service`]: 'nginx.service',
    [`${slice}/nginx.service/worker`]: 'nginx.service',
    [`${slice}/_memory.service`]: 'memory.service',
    [`${slice}/docker-${id}.scope`]: 'container:6a8f1b3c5d7e',
    [`${slice}/user@4711.service`]: 'user@4711.service',
    [`${slice}/user@4711.service/app.slice`]: 'user@4711.service',
    [`${slice}/user@4711.service/app.slice/app-x-31.scope`]: 'user@4711/app-x-*.scope',
  }
  Object.keys(tree).forEach(make)
  const services = new Services()
  t.same(
    idsOf(Object.keys(tree)).map((cgroupId) => nameOf(services, cgroupId)),
    Object.values(tree),
  )
  t.end()
})

t.test('the root, and one that was removed before anybody looked', (t) => {
  make(`${top}/short-lived`)
  const [gone = 0n, hierarchy = 0n] = idsOf([`${top}/short-lived`, ''])
  rmdirSync(made.pop() ?? '')
  const services = new Services()
  t.equal(nameOf(services, gone), 'unknown')
  // Where init does not use cgroup2, processes are in its root.
  const own = execFileSync('sh', ['-c', 'grep ^0:: /proc/self/cgroup'], { encoding: 'utf8' })
  t.equal(nameOf(services, hierarchy), own === '0::/\n' ? '/' : 'kernel')
  t.end()
})

t.test('3,001 of them, while others come and go', async (t) => {
  const names = Array.from({ length: 3_001 }, (_, index) => `${top}/many-${index}`)
  names.forEach(make)
  const ids = idsOf(names)
  make(`${top}/churn`)
  const churn = spawn(
    'python3',
    [
      '-c',
      `import os, select, sys
rounds = 0
while not select.select([sys.stdin], [], [], 0)[0]:
    os.makedirs("outer/inner")
    os.rmdir("outer/inner")
    os.rmdir("outer")
    if not rounds: print("running", flush=True)
    rounds += 1
`,
    ],
    { cwd: `${root}/${top}/churn`, stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const ended = once(churn, 'exit')
  await once(churn.stdout, 'data')
  for (let round = 0; round < 5; round++) {
    const services = new Services({ warn: t.fail })
    t.same(
      ids.filter((id, index) => nameOf(services, id) !== `/${names[index] ?? ''}`),
      [],
    )
  }
  churn.stdin.end()
  t.same(await ended, [0, null])
})
