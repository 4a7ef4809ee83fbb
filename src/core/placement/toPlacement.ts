import { layoutOf } from '../layout/layouts';
import { effectiveCpus, withAncestors } from '../model/hierarchies';
import type { Cgroup, HostModel, Machine, Place } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import { roleText } from '../model/roles';
import { shorten } from '../parse/bytes';
import { type Attribute, type Placement, type Row, type ThreadBlock, UNKNOWN } from './placement';

/** What the placement document of a machine says. @param layout for whoever has found it already */
export function toPlacement(model: HostModel, machine: Machine, layout = layoutOf(model, machine)): Placement {
  const own = ownThreads(machine);
  const keys = hierarchyKeys(model, machine);
  const shared = new Map<string, Place | undefined>();
  for (const key of keys) {
    const first = own[0]?.membership.places.get(key);
    if (first && own.every(thread => samePlace(thread.membership.places.get(key), first))) shared.set(key, first);
  }
  const nodes = model.topology.nodes.size;
  const threads = machine.threads.map((thread): ThreadBlock => {
    const apart = keys.filter(key => !shared.has(key) || !samePlace(shared.get(key), thread.membership.places.get(key)));
    return {
      role: roleText(thread.role),
      tid: thread.tid,
      comm: shorten(thread.comm),
      policy: `${thread.policy} ${thread.rtPriority}`,
      nice: thread.nice,
      cpus: thread.cpusAllowed?.toString() ?? UNKNOWN,
      rows: rows(apart.map(key => [key, thread.membership.places.get(key)]), nodes),
    };
  });
  return {
    machine: { name: machine.name, pid: machine.pid, emulator: machine.emulator, uuid: machine.uuid, layout: { kind: layout.kind, stage: layout.stage } },
    host: { label: shorten(model.label), mode: model.mode, kernel: shorten(model.kernel) },
    count: own.length,
    shared: rows([...shared], nodes),
    threads,
    above: rowsAbove(machine, nodes),
  };
}

/** In the model's order, those that at least one thread is in. */
function hierarchyKeys(model: HostModel, machine: Machine): string[] {
  const used = new Set(machine.threads.flatMap(thread => [...thread.membership.places.keys()]));
  return model.hierarchies.map(h => h.key).filter(key => used.has(key));
}

function samePlace(a: Place | undefined, b: Place | undefined): boolean {
  return a?.path === b?.path && a?.deleted === b?.deleted;
}

/** Hierarchies with the same path and no values of their own share a row. */
function rows(places: readonly (readonly [string, Place | undefined])[], nodes: number): Row[] {
  const result = new Map<string, { hierarchies: string[]; path: string; attributes: Attribute[] }>();
  for (const [key, place] of places) {
    const path = place?.path ?? UNKNOWN;
    const attributes = place ? attributesOf(place, nodes) : [];
    const content = `${path}\n${describe(attributes)}`;
    const same = result.get(content);
    if (same) same.hierarchies.push(shorten(key));
    else result.set(content, { hierarchies: [shorten(key)], path, attributes });
  }
  return [...result.values()];
}

function describe(attributes: readonly Attribute[]): string {
  return attributes.map(a => `${a.name} ${a.value}`).join('  ');
}

function attributesOf(place: Place, nodes: number): Attribute[] {
  const attributes = place.cgroup ? valuesOf(place.cgroup, nodes) : [];
  return place.deleted ? [...attributes, { name: 'deleted', value: '' }] : attributes;
}

/** What a cgroup asks for and gets, where it is not what every cgroup has. `nodes`: memory nodes are said only if there is a choice. */
export function valuesOf(cgroup: Cgroup, nodes: number): Attribute[] {
  const values: Attribute[] = [];
  const add = (name: string, value: string | number | undefined): void => {
    if (value !== undefined && value !== '') values.push({ name, value: String(value) });
  };
  if (cgroup.type !== undefined && cgroup.type !== 'domain') add('type', cgroup.type);
  add('cpus', cgroup.cpus?.toString());
  const effective = effectiveCpus(cgroup);
  if (effective && cgroup.cpus && !cgroup.cpus.isEmpty && !effective.equals(cgroup.cpus)) add('effective', effective.toString());
  if (nodes > 1) add('mems', cgroup.mems?.toString());
  if (cgroup.partition !== undefined && cgroup.partition !== 'member') add('partition', shorten(cgroup.partition));
  if (cgroup.bandwidth && cgroup.bandwidth.quota !== 'max') add('quota', `${cgroup.bandwidth.quota}/${cgroup.bandwidth.period}`);
  if (cgroup.weight !== 100) add('weight', cgroup.weight);
  if (cgroup.shares !== 1024) add('shares', cgroup.shares);
  if (cgroup.idle === true) values.push({ name: 'idle', value: '' });
  if (cgroup.pidsMax !== 'max') add('pids', cgroup.pidsMax);
  if (cgroup.frozen === true) values.push({ name: 'frozen', value: '' });
  return values;
}

/** Ancestors that ask for something, the highest first, each once. */
export function rowsAbove(machine: Machine, nodes: number): Row[] {
  const leaves = new Set<Cgroup>();
  const ancestors = new Set<Cgroup>();
  for (const thread of machine.threads) {
    for (const { cgroup } of thread.membership.places.values()) if (cgroup) leaves.add(cgroup);
  }
  for (const leaf of leaves) {
    for (const cgroup of withAncestors(leaf.parent)) {
      if (ancestors.has(cgroup)) break; // and so are all above it
      ancestors.add(cgroup);
    }
  }
  const limiting = [...ancestors].filter(cgroup => !leaves.has(cgroup) && cgroup.path !== '/' && valuesOf(cgroup, nodes).length > 0);
  const depths = new Map(limiting.map(cgroup => [cgroup, cgroup.path.split('/').length]));
  limiting.sort((a, b) => depths.get(a)! - depths.get(b)! || (a.hierarchy + a.path < b.hierarchy + b.path ? -1 : 1));
  return limiting.map(cgroup => ({ hierarchies: [shorten(cgroup.hierarchy)], path: cgroup.path, attributes: valuesOf(cgroup, nodes) }));
}

