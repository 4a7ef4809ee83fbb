/** systemd writes any other byte of a name as `\xNN` (systemd.unit(5), "String Escaping"). For people only: never for a path. */
export function unescapeUnit(name: string): string {
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
      bytes.push(...Buffer.from(char, 'utf8'));
      i += char.length;
    }
  }
  return changed ? Buffer.from(bytes).toString('utf8') : name;
}

/**
 * The name of the machine whose directory this component of a cgroup's path is, or `undefined`: libvirt's
 * `machine-qemu\x2d1\x2dserial.scope` with machined and `qemu-1-serial.libvirt-qemu` without (src/util/vircgroup.c).
 */
export function machineOfComponent(component: string): string | undefined {
  const scope = /^machine-(qemu\\x2d.+)\.scope$/.exec(component);
  const name = scope ? unescapeUnit(scope[1]!) : /^(.+)\.libvirt-qemu$/.exec(component)?.[1];
  return name === undefined ? undefined : name.replace(/^qemu-\d+-/, '');
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
