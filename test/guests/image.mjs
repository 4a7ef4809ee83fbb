// The guest's disk, kernel and initrd: built once from Debian's packages, as root, in about a minute, and kept by a hash of the recipe.
// `node test/guests/image.mjs` builds what is missing and prints the folder that has it all:
//   disk.img  vmlinuz  initrd      what boots
//   id  hostkey.pub                the key that lets root, op and ro in, and the guest's own
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureDebian } from '../debian.mjs';
import { endOnSignals, run } from '../processes.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const recipe = path.join(here, 'recipe');
const RELEASE = 'bookworm';
const DISK = 2 * 1024 ** 3;

/** What building the image needs, as {command: Debian package}. */
export const imageTools = { mmdebstrap: 'mmdebstrap', 'mke2fs': 'e2fsprogs', 'ssh-keygen': 'openssh-client' };
/** What running it needs. */
export const guestTools = { 'qemu-system-x86_64': 'qemu-system-x86', ssh: 'openssh-client', setpriv: 'util-linux', unshare: 'util-linux' };

/** Builds the image unless it is there; resolves to its folder. */
export async function ensureImage(say = console.log) {
  const caches = process.env.XDG_CACHE_HOME;
  const cache = path.join(caches?.startsWith('/') ? caches : path.join(homedir(), '.cache'), 'cgroup-lens/guests'); // a relative one is to be ignored (XDG Base Directory)
  const folder = path.join(cache, hashOfRecipe());
  if (isWhole(folder)) {
    utimesSync(folder, new Date(), new Date());
    return folder;
  }
  if (process.getuid?.() !== 0) throw new Error('The guest image is made of Debian packages with chroot and mount: build it as root.');
  await ensureDebian(imageTools);
  say('Building the guest image (Debian with systemd, libvirt and QEMU; once) …');
  mkdirSync(cache, { recursive: true });
  tidy(cache);
  const building = mkdtempSync(path.join(cache, `building-${process.pid}-`));
  const remove = () => rmSync(building, { recursive: true, force: true });
  process.once('exit', remove); // a signal ends what runs, and then this process: nothing below is reached
  try {
    await build(building);
    if (!isWhole(folder)) rmSync(folder, { recursive: true, force: true });
    renameSync(building, folder); // from here on it is whole; another run that was quicker is as good
  } catch (error) {
    if (!isWhole(folder)) throw error;
  } finally {
    remove();
    process.off('exit', remove);
  }
  return folder;
}

/** A folder that was half removed is no image. */
function isWhole(folder) {
  return ['disk.img', 'vmlinuz', 'initrd', 'id', 'hostkey.pub'].every(name => existsSync(path.join(folder, name)));
}

async function build(folder) {
  const root = path.join(folder, 'root');
  for (const key of ['id', 'hostkey']) await quietly('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', key, '-f', path.join(folder, key)]);
  // mmdebstrap mounts /proc, /sys and /dev below the root: in namespaces of its own neither a mount nor a process outlives this one, even if it is killed.
  await quietly('setpriv', ['--pdeathsig', 'KILL', 'unshare', '--mount', '--propagation', 'private', '--pid', '--fork', '--kill-child', '--mount-proc', 'mmdebstrap',
    '--mode=root', '--variant=apt', '--components=main',
    '--aptopt=APT::Install-Recommends "false"', '--aptopt=Acquire::Languages "none"',
    ...['man', 'locale', 'doc'].map(name => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
    `--include=${words(readFileSync(path.join(recipe, 'packages.txt'), 'utf8')).join(',')}`,
    `--customize-hook=${path.join(recipe, 'customize.sh')} "$1" ${folder}`,
    RELEASE, root, ...sources(),
  ], { TMPDIR: folder });
  for (const name of ['vmlinuz', 'initrd']) {
    const file = readdirSync(path.join(root, 'boot')).find(entry => entry.startsWith(`${name}`));
    copyFileSync(path.join(root, 'boot', file), path.join(folder, name));
  }
  const disk = path.join(folder, 'disk.img');
  writeFileSync(disk, '');
  truncateSync(disk, DISK);
  await quietly('mke2fs', ['-q', '-F', '-t', 'ext4', '-d', root, disk]);
  chmodSync(path.join(folder, 'id'), 0o600);
  rmSync(path.join(folder, 'hostkey'));
  rmSync(root, { recursive: true });
}

/** Removes what a run left that was killed while it built, and images that nothing has used for a month. */
function tidy(cache) {
  const monthAgo = Date.now() - 30 * 86_400_000;
  for (const name of readdirSync(cache)) {
    const pid = /^building-(\d+)-/.exec(name)?.[1];
    const isOld = pid === undefined ? statSync(path.join(cache, name)).mtimeMs < monthAgo : !existsSync(`/proc/${pid}`);
    if (isOld) rmSync(path.join(cache, name), { recursive: true, force: true });
  }
}

/** Where this machine itself gets Debian from: a mirror that it can reach. */
function sources() {
  const files = ['/etc/apt/sources.list', '/etc/apt/sources.list.d/debian.sources'].filter(file => existsSync(file) && /^(deb |Types:)/m.test(readFileSync(file, 'utf8')));
  if (files.length === 0) throw new Error('Neither /etc/apt/sources.list nor /etc/apt/sources.list.d/debian.sources says where Debian packages come from.');
  return files;
}

/** Of what ends up in the image, not of what keeps it. */
function hashOfRecipe() {
  const hash = createHash('sha256').update(`${RELEASE} ${DISK} ${build}`);
  for (const name of readdirSync(recipe).sort()) hash.update(`\0${name}\0`).update(readFileSync(path.join(recipe, name)));
  return hash.digest('hex').slice(0, 16);
}

function quietly(command, args, env = {}) {
  return run(command, args, { quiet: true, env: { ...process.env, ...env, LC_ALL: 'C.UTF-8', DEBIAN_FRONTEND: 'noninteractive' } });
}

function words(text) {
  return text.split(/\s+/).filter(word => word !== '');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  endOnSignals();
  process.stdout.write(`${await ensureImage(line => console.error(line))}\n`);
}
