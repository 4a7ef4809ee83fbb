import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { printCapture } from '../../../src/core/capture/format';
import { redact } from '../../../src/core/capture/redact';
import { encodeBytes } from '../../../src/core/parse/bytes';
import type { RawSnapshot } from '../../../src/core/rawSnapshot';
import type { Guest } from './guest';

/** Where the captures of this run go; without it none are written. */
const FOLDER = process.env['CGROUP_LENS_CAPTURES'];

/**
 * With `CGROUP_LENS_CAPTURES=FOLDER`, writes `FOLDER/NAME.capture`: what is to be seen now, redacted as the product redacts.
 * @param what what was done to the guest, as a sentence for its head
 * @param raw what was seen, if the test has looked already
 */
export async function saveCapture(guest: Guest, name: string, what: string, raw?: RawSnapshot): Promise<void> {
  if (FOLDER === undefined) return;
  const { snapshot } = redact(raw ?? (await guest.look()).raw);
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, `${name}.capture`), encodeBytes(printCapture(snapshot, await comments(guest, name, what))));
}

async function comments(guest: Guest, name: string, what: string): Promise<string[]> {
  const said = await guest.run('cat /etc/os-release; uname -sr; systemctl --version; libvirtd --version; qemu-system-x86_64 --version');
  const of = (pattern: RegExp): string => {
    const found = pattern.exec(said)?.[1];
    if (found === undefined) throw new Error(`The guest does not tell its versions: ${said}`);
    return found;
  };
  return [
    `${name}: a real host, seen by the collector as root in a guest of test/guests, redacted.`,
    `${of(/^PRETTY_NAME="(.*)"$/m)}, kernel ${of(/^Linux (\S+)$/m)}, systemd ${of(/^systemd (\d+)/m)}, libvirt ${of(/^\S+ \(libvirt\) (\S+)$/m)}, QEMU ${of(/^QEMU emulator version (\S+)/m)}, cgroups in ${guest.mode} mode.`,
    what,
  ];
}
