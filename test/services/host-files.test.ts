import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import tap from 'tap'
import { HostFiles } from '../../src/services/host-files.js'
import { temporaryFolder } from '../support/memory.js'

const id = 'a'.repeat(64)
const docker = `var/lib/docker/containers/${id}/config.v2.json`
const podman = 'var/lib/containers/storage/overlay-containers/containers.json'
const uid = '8712f785-1a3e-41ec-a00b-e2dcc77431cb'

/** A host's root with these files; `read` looks at it anew. */
function hostWith(
  t: { teardown(action: () => unknown): void },
  files: Readonly<Record<string, unknown>> = {},
) {
  const base = temporaryFolder(t)
  const root = join(base, 'root')
  mkdirSync(root)
  const write = (path: string, content: unknown) => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content))
  }
  for (const [path, content] of Object.entries(files)) write(path, content)
  return { base, root, write, read: () => new HostFiles(root, () => 0) }
}

tap.test('what Docker, podman and kubelet keep', (t) => {
  const other = 'b'.repeat(64)
  const host = hostWith(t, {
    [docker]: { ID: id, Name: '/shop-web_1.2', Config: { Env: ['SECRET=1'] } },
    [podman]: [{ id: other, names: ['db', 'alias'], metadata: '{}' }],
    [`var/log/pods/shop_cart-0_${uid}/app/0.log`]: '',
    'var/log/pods/kube-system_etcd-node1.example_9729a196c4723b60ab401eaff722982d/etcd/0.log': '',
  })
  const files = host.read()
  t.equal(files.containerName(id), 'shop-web_1.2')
  t.equal(files.containerName(other), 'db')
  t.equal(files.containerName('c'.repeat(64)), undefined)
  t.equal(files.podName(uid), 'shop/cart-0')
  t.equal(files.podName('9729a196c4723b60ab401eaff722982d'), 'kube-system/etcd-node1.example')
  t.equal(files.podName('8712f785-1a3e-41ec-a00b-e2dcc7743100'), undefined)
  t.end()
})

tap.test('nothing is there', (t) => {
  const files = hostWith(t).read()
  t.equal(files.containerName(id), undefined)
  t.equal(files.podName(uid), undefined)
  t.equal(new HostFiles('/nonexistent', () => 0).containerName(id), undefined)
  t.end()
})

tap.test('files that are not as expected', (t) => {
  const unexpected = ['', '{', 'null', '7', '"a"', '[]', '{}', '{"Name":7}', '{"Name":null}']
  const names = ['/', '/a/b', '/../etc', '/a\nb', '/a"b', '/ü', `/${'n'.repeat(129)}`, '/-a', '/a b']
  for (const content of [...unexpected, ...names.map((Name) => ({ Name }))])
    t.equal(
      hostWith(t, { [docker]: content })
        .read()
        .containerName(id),
      undefined,
      JSON.stringify(content),
    )
  for (const content of [
    ...unexpected,
    [null],
    [7],
    [[]],
    [{ id }],
    [{ id, names: [] }],
    [{ id, names: 'x' }],
    [{ id, names: [7] }],
    [{ id: 7, names: ['x'] }],
    [{ id, names: ['a b'] }],
  ])
    t.equal(
      hostWith(t, { [podman]: content })
        .read()
        .containerName(id),
      undefined,
      JSON.stringify(content),
    )
  for (const folder of [uid, `_x_${uid}`, `Shop_x_${uid}`, `a_b_c_${uid}`, `a_b_${uid}x`, `a_b\n_${uid}`])
    t.equal(
      hostWith(t, { [`var/log/pods/${folder}/x`]: '' })
        .read()
        .podName(uid),
      undefined,
      JSON.stringify(folder),
    )
  t.end()
})

tap.test('an id that is none leads nowhere', (t) => {
  const host = hostWith(t, { 'var/lib/docker/config.v2.json': { Name: '/x' } })
  for (const wrong of ['..', '', `${id}/..`, id.toUpperCase()])
    t.equal(host.read().containerName(wrong), undefined, wrong)
  t.end()
})

tap.test('too large, and no file', (t) => {
  const host = hostWith(t, { [docker]: { Name: '/web' } })
  t.equal(host.read().containerName(id), 'web')
  truncateSync(join(host.root, docker), 4 * 2 ** 20 + 1)
  t.equal(host.read().containerName(id), undefined)
  rmSync(join(host.root, docker))
  mkdirSync(join(host.root, docker))
  t.equal(host.read().containerName(id), undefined)
  t.end()
})

tap.test('symbolic links, within the root and out of it', (t) => {
  const host = hostWith(t, { [`data/docker/containers/${id}/config.v2.json`]: { Name: '/web' } })
  mkdirSync(join(host.root, 'var/lib'), { recursive: true })
  symlinkSync('../../data/docker', join(host.root, 'var/lib/docker'))
  t.equal(host.read().containerName(id), 'web', 'a folder elsewhere')

  const out = hostWith(t, { 'var/lib/x': '' })
  mkdirSync(join(out.base, 'outside', 'containers', id), { recursive: true })
  writeFileSync(join(out.base, 'outside', 'containers', id, 'config.v2.json'), '{"Name":"/web"}')
  symlinkSync(join(out.base, 'outside'), join(out.root, 'var/lib/docker'))
  t.equal(out.read().containerName(id), undefined, 'out of the root')
  t.end()
})

tap.test('without the right to read them', (t) => {
  const host = hostWith(t, { [docker]: { Name: '/web' }, [`var/log/pods/a_b_${uid}/x`]: '' })
  chmodSync(host.root, 0)
  const names = [host.read().containerName(id), host.read().podName(uid)]
  chmodSync(host.root, 0o700)
  t.same(names, [undefined, undefined])
  t.equal(host.read().containerName(id), 'web')
  t.end()
})

tap.test('lists are read again after a second', (t) => {
  const host = hostWith(t)
  let now = 0
  const files = new HostFiles(host.root, () => now)
  t.equal(files.podName(uid), undefined)
  host.write(`var/log/pods/shop_cart-0_${uid}/x`, '')
  now = 999
  t.equal(files.podName(uid), undefined)
  now = 1_000
  t.equal(files.podName(uid), 'shop/cart-0')
  t.end()
})
