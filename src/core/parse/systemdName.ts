import { decodeBytes, encodeBytes } from './bytes';

/** systemd writes any other byte of a name as `\xNN` (systemd.unit(5), "String Escaping"). For people only: never for a path. */
export function unescapeUnit(name: string): string {
  if (!name.includes('\\x')) return name;
  const bytes: number[] = [];
  let changed = false;
  for (let i = 0; i < name.length; ) {
    const match = /^\\x([0-9a-f]{2})/.exec(name.slice(i, i + 4));
    if (match) {
      bytes.push(Number.parseInt(match[1]!, 16));
      changed = true;
      i += 4;
    } else {
      const char = String.fromCodePoint(name.codePointAt(i)!);
      bytes.push(...encodeBytes(char));
      i += char.length;
    }
  }
  return changed ? decodeBytes(Buffer.from(bytes)) : name;
}

/**
 * The name of the machine whose directory this component of a cgroup's path is, or `undefined`: libvirt's
 * `machine-qemu\x2d1\x2dserial.scope` with machined and `qemu-1-serial.libvirt-qemu` without (src/util/vircgroup.c).
 * Old ones have no number: `machine-qemu\x2dserial.scope`, `serial.libvirt-qemu`.
 */
export function machineOfComponent(component: string): string | undefined {
  const scope = /^machine-qemu\\x2d(.+)\.scope$/s.exec(component)?.[1];
  if (scope !== undefined) return unescapeUnit(scope).replace(/^\d+-/, '');
  return /^(?:qemu-\d+-)?(.+)\.libvirt-qemu$/s.exec(component)?.[1];
}

/** The part of a path that ends with a machine's own directory, and the machine's name. */
export function machineScope(path: string): { scope: string; name: string } | undefined {
  const components = path.split('/');
  for (let i = 1; i < components.length; i++) {
    const name = machineOfComponent(components[i]!);
    if (name !== undefined) return { scope: components.slice(0, i + 1).join('/'), name };
  }
  return undefined;
}

/** Those services hold libvirt itself, and machines that it has not placed yet. */
const MANAGER_SERVICE = /\/(libvirtd|virtqemud)\.service$/;

export interface OwnDirectory {
  readonly path: string;
  readonly isMachine: boolean;
}

/**
 * The part of a path that ends with the directory that was made for what runs there alone: a machine's of libvirt
 * (`isMachine`), the innermost scope or service of systemd, a container of a pod. The collector reads all below it.
 */
export function ownDirectory(path: string): OwnDirectory | undefined {
  const machine = machineScope(path);
  if (machine) return { path: machine.scope, isMachine: true };
  const unit = /^.*\.(scope|service)(?=\/|$)/s.exec(path)?.[0];
  // A user's manager is a service in which whole slices are.
  if (unit !== undefined && !MANAGER_SERVICE.test(unit) && !/\.slice(\/|$)/.test(path.slice(unit.length))) return { path: unit, isMachine: false };
  const container = /^(.*\/)?kubepods\/(.*\/)?pod[0-9a-f_-]+\/[^/]+/s.exec(path)?.[0];
  return container === undefined ? undefined : { path: container, isMachine: false };
}
