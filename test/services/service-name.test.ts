import tap from 'tap'
import { nameService } from '../../src/services/service-name.js'

const id = (digit: string) => digit.repeat(64)
const [a, b] = [id('a'), id('b')]
const uid = '8712f785-1a3e-41ec-a00b-e2dcc77431cb'
const uidInSlice = uid.replaceAll('-', '_')

const known = {
  containerName: (wanted: string) => (wanted === a ? 'web' : undefined),
  podName: (wanted: string) => (wanted === uid ? 'shop/cart-0' : undefined),
}
const unnamed = { containerName: () => undefined, podName: () => undefined }

interface Test {
  equal(found: unknown, wanted: unknown, message: string): unknown
  end(): unknown
}

function same(t: Test, paths: Readonly<Record<string, string>>, foldTemplates = false) {
  for (const [path, service] of Object.entries(paths))
    t.equal(nameService(path, known, foldTemplates).service, service, path)
  t.end()
}

tap.test('units, as systemd finds them in a path', (t) => {
  same(t, {
    '/system.slice/nginx.service': 'nginx.service',
    '/system.slice/nginx.service/': 'nginx.service',
    '/system.slice/nginx.service/worker/3': 'nginx.service',
    '/init.scope': 'init.scope',
    '/system.slice/system-getty.slice/getty@tty5.service': 'getty@tty5.service',
    '/system.slice/system-cache.slice/_cpu.service/x': 'cpu.service',
    '//system.slice///nginx.service': 'nginx.service',
    '/system.slice/system-serial\\x2dgetty.slice/serial-getty@ttyS0.service': 'serial-getty@ttyS0.service',
    '/system.slice/system-systemd\\x2dfsck.slice/systemd-fsck@dev-disk-by\\x2dlabel-a.service':
      'systemd-fsck@dev-disk-by\\x2dlabel-a.service',
    '/runtime.slice/kubelet.service': 'kubelet.service',
    '/system.slice/dev-hugepages.mount': 'dev-hugepages.mount',
    '/system.slice/a:b_c-d.e.service': 'a:b_c-d.e.service',
  })
})

tap.test('what is no unit is a path', (t) => {
  same(t, {
    '/plain': '/plain',
    '/plain/nginx.service': '/plain/nginx.service',
    '/system.slice/getty####@tty6.service/x': '/system.slice/getty####@tty6.service/x',
    '/user.slice/user-1000.slice/user@.service/a.service':
      '/user.slice/user-1000.slice/user@.service/a.service',
    '/system.slice/.service': '/system.slice/.service',
    '/system.slice/@a.service': '/system.slice/@a.service',
    [`/system.slice/${'n'.repeat(248)}.service`]: `/system.slice/${'n'.repeat(248)}.service`,
    '/podruntime/kubelet': '/podruntime/kubelet',
    '/lxc.monitor.web': '/lxc.monitor.web',
    '/': '/',
    '/system.slice/tatü.service': '/system.slice/tat\\xfc.service',
  })
})

tap.test('slices alone', (t) => {
  same(t, {
    '/user.slice': 'user.slice',
    '/system.slice/system-waldo.slice': 'system-waldo.slice',
    '/foo--bar.slice': 'foo--bar.slice',
  })
})

tap.test('a user and what runs under the own manager', (t) => {
  const user = '/user.slice/user-1000.slice'
  same(t, {
    [`${user}/session-2.scope`]: 'user@1000/session',
    [`${user}/session-c7.scope/deeper`]: 'user@1000/session',
    [`${user}/session-2.scope/foobar.service`]: 'user@1000/session',
    '/session-3.scope': 'session',
    [`${user}/session-.scope`]: 'session-.scope',
    [`${user}/user@1000.service`]: 'user@1000.service',
    [`${user}/user@1000.service/init.scope`]: 'user@1000/init.scope',
    [`${user}/user@1000.service/server.service`]: 'user@1000/server.service',
    [`${user}/user@1000.service/app.slice/app-a.slice/_cpu.service/x`]: 'user@1000/cpu.service',
    [`${user}/user@1000.service/app.slice`]: 'user@1000.service',
    [`${user}/user@1000.service/anything/x.service`]: 'user@1000.service',
  })
})

tap.test('transient units have one name', (t) => {
  const apps = '/user.slice/user-7.slice/user@7.service/app.slice'
  same(t, {
    '/system.slice/run-u42.service': 'run-*.service',
    '/system.slice/run-4711.scope': 'run-*.scope',
    '/system.slice/run-r6a8f1b3c5d7e9f0a1b2c3d4e5f607182.scope': 'run-*.scope',
    '/system.slice/run-p815-i4711.service': 'run-*.service',
    '/system.slice/run-backup.service': 'run-backup.service',
    '/system.slice/sshd@12-192.0.2.1:22-198.51.100.7:50123.service': 'sshd@*.service',
    '/system.slice/sshd@3-[2001:db8::1]:22-[2001:db8::7]:50123.service':
      '/system.slice/sshd@3-[2001:db8::1]:22-[2001:db8::7]:50123.service',
    '/system.slice/sshd@3-2001:db8::1:22-2001:db8::7:50123.service': 'sshd@*.service',
    '/system.slice/systemd-coredump@1-4711-0.service': 'systemd-coredump@*.service',
    '/system.slice/postgresql@15-main.service': 'postgresql@15-main.service',
    '/system.slice/shop@8000.service': 'shop@8000.service',
    [`${apps}/app-gnome-firefox-2345.scope`]: 'user@7/app-gnome-firefox-*.scope',
    [`${apps}/app-gnome-firefox\\x2desr-2345.scope`]: 'user@7/app-gnome-firefox\\x2desr-*.scope',
    [`${apps}/app-org.kde.konsole@6a8f1b3c5d7e9f0a1b2c3d4e5f607182.service`]:
      'user@7/app-org.kde.konsole@*.service',
    [`${apps}/vte-spawn-8712f785-1a3e-41ec-a00b-e2dcc77431cb.scope`]: 'user@7/vte-spawn-*.scope',
    [`${apps}/snap.firefox.firefox-8712f785-1a3e-41ec-a00b-e2dcc77431cb.scope`]:
      'user@7/snap.firefox.firefox-*.scope',
    [`${apps}/dbus-:1.2-org.gnome.Nautilus@0.service`]: 'user@7/dbus-*-org.gnome.Nautilus@*.service',
    '/machine.slice/podman-4711.scope': 'podman-*.scope',
    [`/machine.slice/libpod-conmon-${a}.scope`]: 'libpod-conmon-*.scope',
    '/system.slice/v4-1-x2.scope': 'v4-*-x2.scope',
  })
})

tap.test('instances of a template, if so chosen', (t) => {
  same(
    t,
    {
      '/system.slice/postgresql@15-main.service': 'postgresql@*.service',
      '/system.slice/nginx.service': 'nginx.service',
      '/user.slice/user-1.slice/user@1.service/app.slice/shop@80.service': 'user@1/shop@*.service',
      '/user.slice/user-1.slice/user@1.service': 'user@1.service',
      '/machine.slice/systemd-nspawn@web.service/payload/x.service': 'machine:web',
    },
    true,
  )
})

tap.test('containers', (t) => {
  same(t, {
    // Docker by systemd and by cgroupfs, in a slice of choice, in a container.
    [`/system.slice/docker-${a}.scope`]: 'container:web',
    [`/system.slice/docker-${b}.scope/nested`]: 'container:bbbbbbbbbbbb',
    [`/docker/${a}`]: 'container:web',
    [`/shop.slice/docker-${a}.scope`]: 'container:web',
    [`/docker/${a}/docker/${b}`]: 'container:web',
    [`/system.slice/docker-${a}.scope/kubelet.slice/kubepods.slice/kubepods-pod${uidInSlice}.slice/cri-containerd-${b}.scope`]:
      'container:web',
    // Podman: by systemd, by cgroupfs, in a pod, as a unit of its own (quadlet).
    [`/machine.slice/libpod-${a}.scope/container`]: 'container:web',
    [`/libpod_parent/libpod-${a}`]: 'container:web',
    [`/machine.slice/machine-libpod_pod_${b}.slice/libpod-${a}.scope`]: 'container:web',
    [`/system.slice/shop.service/libpod-payload-${a}`]: 'shop.service',
    '/system.slice/shop.service/runtime': 'shop.service',
    // Rootless: a user's, whatever it is called.
    [`/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${a}.scope/container`]:
      'user@1000/container:aaaaaaaaaaaa',
    [`/user.slice/user-1000.slice/user@1000.service/app.slice/pihole.service/libpod-payload-${a}`]:
      'user@1000/pihole.service',
    [`/user.slice/user-1000.slice/user@1000.service/kubepods-pod${uidInSlice}.slice`]: 'user@1000.service',
    // LXC, whose names are in the path; its systemd inside is its own matter.
    '/lxc/db': 'container:db',
    '/lxc.payload.db/system.slice/nginx.service': 'container:db',
    '/lxc.payload.tatü': 'container:tat\\xfc',
    // Ids of 128 bits, and both kinds in one path.
    '/garden/8712f785-1a3e-41ec-a00b-e2dcc77431cb': 'container:8712f7851a3e',
    [`/ecs/6a8f1b3c5d7e9f0a1b2c3d4e5f607182/${a}`]: 'container:web',
    // No ids.
    '/research-oci/ctr1': '/research-oci/ctr1',
    [`/docker/${'a'.repeat(63)}`]: `/docker/${'a'.repeat(63)}`,
  })
})

tap.test('pods', (t) => {
  const burstable = `/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod${uidInSlice}.slice`
  same(t, {
    // containerd and CRI-O by systemd, the second of them with crun.
    [`${burstable}/cri-containerd-${b}.scope`]: 'pod:shop/cart-0',
    [`${burstable}/crio-${b}.scope/container`]: 'pod:shop/cart-0',
    [`${burstable}/crio-conmon-${b}.scope`]: 'pod:shop/cart-0',
    [`${burstable}/cri-containerd-${b}`]: 'pod:shop/cart-0',
    [burstable]: 'pod:shop/cart-0',
    [`/kubepods.slice/kubepods-pod${uidInSlice}.slice/docker-${b}.scope`]: 'pod:shop/cart-0',
    [`/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod${uidInSlice}.slice/cri-containerd-${b}.scope`]:
      'pod:shop/cart-0',
    // By folders.
    [`/kubepods/burstable/pod${uid}/${b}`]: 'pod:shop/cart-0',
    [`/kubepods/besteffort/pod${uid}/${b}/kube-proxy`]: 'pod:shop/cart-0',
    [`/kubepods/pod${uid}/crio-${b}`]: 'pod:shop/cart-0',
    // kubelet by systemd, containerd not.
    [`/system.slice/containerd.service/kubepods-burstable-pod${uidInSlice}.slice:cri-containerd:${b}`]:
      'pod:shop/cart-0',
    [`/kubepods-burstable-pod${uidInSlice}.slice:cri-containerd:${b}`]: 'pod:shop/cart-0',
    // A static pod, whose uid is a hash.
    [`/kubepods/burstable/pod9729a196c4723b60ab401eaff722982d/${b}`]: 'pod:9729a196c472',
  })
})

tap.test('machines', (t) => {
  same(t, {
    '/machine.slice/systemd-nspawn@web.service/payload/system.slice/nginx.service': 'machine:web',
    '/machine.slice/machine-web.scope/payload/init.scope': 'machine:web',
    '/machine.slice/machine-build\\x2dhost.scope': 'machine:build-host',
    '/machine.slice/machine-qemu\\x2d3\\x2ddb.scope/libvirt/emulator': 'machine:db',
    '/payload/system.slice/demo.service': 'demo.service',
    '/payload/init.scope': 'init.scope',
    '/payload': '/payload',
  })
})

tap.test('what else is known', (t) => {
  t.same(nameService(`/kubepods.slice/kubepods-pod${uidInSlice}.slice/cri-containerd-${b}.scope`, unnamed), {
    service: 'pod:8712f7851a3e',
    kind: 'pod',
    slice: `kubepods-pod${uidInSlice}.slice`,
    containerId: b,
    podUid: uid,
    cgroup: `/kubepods.slice/kubepods-pod${uidInSlice}.slice/cri-containerd-${b}.scope`,
  })
  t.match(nameService(`/system.slice/docker-${a}.scope`, unnamed), {
    service: 'container:aaaaaaaaaaaa',
    kind: 'container',
    slice: 'system.slice',
    containerId: a,
    podUid: '',
  })
  t.match(nameService(`/system.slice/shop.service/libpod-payload-${a}`, known), {
    kind: 'unit',
    slice: 'system.slice',
    containerId: a,
  })
  t.match(nameService('/user.slice/user-7.slice/user@7.service/app.slice/a.service', known), {
    kind: 'user unit',
    slice: 'app.slice',
  })
  t.match(nameService('/user.slice/user-7.slice/session-1.scope', known), {
    kind: 'session',
    slice: 'user-7.slice',
  })
  t.match(nameService('/plain', known), { kind: 'cgroup', slice: '', containerId: '', podUid: '' })
  t.end()
})
