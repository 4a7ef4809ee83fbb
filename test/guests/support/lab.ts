import { setTimeout as sleep } from 'node:timers/promises';
import type { Guest } from './guest';

/** What every guest runs: libvirtd with the domain `serial` (recipe/serial.xml), and a QEMU that was started by hand. */
export const DOMAIN = 'serial';
export const BY_HAND = 'byhand';

/** Starts both, and returns when libvirt has every thread of the domain where it wants it. */
export async function startLab(guest: Guest): Promise<void> {
  await guest.run('systemctl start libvirtd && virsh -q define /root/serial.xml');
  await startDomain(guest);
  await startByHand(guest);
}

/** `virsh start` returns when libvirt has placed all threads. */
export async function startDomain(guest: Guest): Promise<void> {
  await guest.run(`virsh -q start ${DOMAIN}`);
}

/** In the cgroup of a login session, alone there, by no manager, with a vhost worker: a kernel thread of its own on kernels before 6.4. */
export async function startByHand(guest: Guest): Promise<void> {
  await guest.run(`
    modprobe tun && modprobe vhost_net
    ip tuntap add dev byhand0 mode tap 2>/dev/null || :
    cd / && setsid qemu-system-x86_64 -name guest=${BY_HAND},debug-threads=on -accel tcg,thread=multi -smp 2 -m 32 -S -display none -nodefaults \\
      -object iothread,id=io1 -netdev tap,id=net,ifname=byhand0,script=no,downscript=no,vhost=on -device virtio-net-pci,netdev=net \\
      -pidfile /run/byhand.pid </dev/null >/run/byhand.log 2>&1 &`, 'root', 'own');
  for (const until = Date.now() + 120_000; ; await sleep(200)) {
    // It opens its pidfile after it has made its threads.
    if (await guest.run('test -s /run/byhand.pid && kill -0 "$(cat /run/byhand.pid)"').then(() => true, () => false)) return;
    if (Date.now() > until) throw new Error(`The QEMU by hand does not start: ${await guest.run('cat /run/byhand.log')}`);
  }
}

/** PID of the domain's QEMU, by libvirt. */
export async function domainPid(guest: Guest): Promise<number> {
  return Number((await guest.run(`cat /run/libvirt/qemu/${DOMAIN}.pid`)).trim());
}
