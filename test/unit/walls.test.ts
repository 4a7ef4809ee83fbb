import assert from 'node:assert/strict';
import { join } from 'node:path';

const ROOT = join(__dirname, '../../..');

/** Module → what it imports, types too. Sources are paths below the root, packages and builtins their own names. */
type Graph = ReadonlyMap<string, ReadonlySet<string>>;

interface Wall {
  readonly from: RegExp;
  /** Where no chain of imports may lead. */
  readonly mayNotReach?: RegExp;
  /** All that may be imported directly. */
  readonly mayImportOnly?: RegExp;
  /** An import, or a chain of some, that this wall is there to stop: it is put into the graph to see that the wall stands. */
  readonly breach: readonly string[];
}

const WALLS: Readonly<Record<string, Wall>> = {
  'the core never reaches vscode, the extension or the command line': {
    from: /^src\/core\//,
    mayNotReach: /^vscode$|^src\/(cli|extension)\//,
    breach: ['src/core/model/pace.ts', 'some-package', 'vscode'],
  },
  'only the extension reaches vscode': { from: /^src\/(?!extension\/)/, mayNotReach: /^vscode$/, breach: ['src/cli/main.ts', 'src/extension/text.ts', 'vscode'] },
  'parse imports nothing but itself, node and what takes XML apart': { from: /^src\/core\/parse\//, mayImportOnly: /^src\/core\/parse\/|^node:|^sax$/, breach: ['src/core/parse/cpuList.ts', 'src/core/rawSnapshot.ts'] },
  'the raw snapshot and the errors import nothing': { from: /^src\/core\/(rawSnapshot|errors)\.ts$/, mayImportOnly: /^$/, breach: ['src/core/errors.ts', 'src/core/rawSnapshot.ts'] },
  'model imports only parse, the raw snapshot and itself': {
    from: /^src\/core\/model\//,
    mayImportOnly: /^src\/core\/(parse\/|model\/|rawSnapshot\.ts$)/,
    breach: ['src/core/model/roles.ts', 'node:fs'],
  },
  'placement imports only layouts, model, parse and itself': {
    from: /^src\/core\/placement\//,
    mayImportOnly: /^src\/core\/(parse|model|layout|placement)\//,
    breach: ['src/core/placement/print.ts', 'src/core/capture/format.ts'],
  },
  'a layout imports only model, parse and itself': { from: /^src\/core\/layout\//, mayImportOnly: /^src\/core\/(parse|model|layout)\//, breach: ['src/core/layout/libvirt.ts', 'src/core/placement/print.ts'] },
  'the kernel\'s rules import only model, parse and themselves': { from: /^src\/core\/cgroup\//, mayImportOnly: /^src\/core\/(parse|model|cgroup)\//, breach: ['src/core/cgroup/move.ts', 'src/core/plan/plan.ts'] },
  'plans import only what they are made of, and words': {
    from: /^src\/core\/plan\//,
    mayImportOnly: /^src\/core\/((parse|model|cgroup|layout|placement|plan)\/|(visible|shellWord|interfaceFiles)\.ts$)|^@vscode\/l10n$/,
    breach: ['src/core/plan/script.ts', 'src/core/collect/shell.ts'],
  },
  'rules import only what they judge by, plans and words': {
    from: /^src\/core\/rules\//,
    mayImportOnly: /^src\/core\/((parse|model|cgroup|layout|plan|rules)\/|(visible|shellWord)\.ts$)|^@vscode\/l10n$/,
    breach: ['src/core/rules/vcpuInEmulator.ts', 'src/core/placement/print.ts'],
  },
  'a comparison imports only what it compares, and words': {
    from: /^src\/core\/compare\//,
    mayImportOnly: /^src\/core\/((parse|model|cgroup|layout|placement|rules|compare)\/|visible\.ts$)|^@vscode\/l10n$/,
    breach: ['src/core/compare/compare.ts', 'src/core/capture/format.ts'],
  },
  'parse, model, placement, layouts, rules, comparisons and plans reach no host and no collector, not even through a third': {
    from: /^src\/core\/(parse|model|placement|cgroup|layout|rules|plan)\//,
    mayNotReach: /^src\/core\/(host|collect|capture|apply)\/|^node:(child_process|fs|net|http|https|tls)(\/|$)/,
    breach: ['src/core/model/topology.ts', 'src/core/visible.ts', 'src/core/host/localHost.ts'],
  },
  'plans and predictions are made without a host: they are data': {
    from: /^src\/core\/(plan|cgroup)\//,
    mayNotReach: /^src\/core\/(host|collect|capture)\/|^node:(child_process|fs|net|http|https|tls)(\/|$)/,
    breach: ['src/core/plan/script.ts', 'src/core/visible.ts', 'src/core/collect/shell.ts'],
  },
  'nothing in the core does a plan but what is there for it; its results may be known': {
    from: /^src\/core\/(?!apply\/)/,
    mayNotReach: /^src\/core\/apply\/(?!applied\.ts$)/,
    breach: ['src/core/plan/undo.ts', 'src/core/apply/applied.ts', 'src/core/apply/apply.ts'],
  },
  'a capture is opened without a host: it starts no process': { from: /^src\/core\/capture\//, mayNotReach: /^src\/core\/collect\/|^node:child_process$/, breach: ['src/core/capture/captureSource.ts', 'src/core/host/localHost.ts', 'node:child_process'] },
  'hosts know neither the collector nor a meaning': { from: /^src\/core\/host\//, mayNotReach: /^src\/core\/(collect|capture|model|placement|cgroup|plan|apply)\//, breach: ['src/core/host/source.ts', 'src/core/model/hostModel.ts'] },
  'only hosts that are reached by SSH know its libraries': { from: /^src\/(?!core\/host\/ssh|core\/host\/(identities|unlockKey)\.ts|core\/ssh\.ts)/, mayImportOnly: /^(?!ssh2$|ssh-config$)/, breach: ['src/core/host/localHost.ts', 'ssh2'] },
  'the command line reaches nothing of the extension': { from: /^src\/cli\//, mayNotReach: /^src\/extension\//, breach: ['src/cli/main.ts', 'src/extension/core.ts'] },
  'SSH is a bundle of its own: two places may require it, and nothing imports what is behind it': {
    from: /^src\/(?!core\/host\/|core\/ssh\.ts|extension\/lazySsh\.ts|cli\/sshSource\.ts)/,
    mayImportOnly: /^(?!src\/core\/ssh\.ts$)/,
    breach: ['src/cli/main.ts', 'src/core/ssh.ts'],
  },
  'nothing imports the command line': { from: /^src\/(?!cli\/)/, mayNotReach: /^src\/cli\//, breach: ['src/extension/extension.ts', 'src/cli/json.ts'] },
};

/** Every way in which a wall is broken, as the chain of imports. */
function breaches(graph: Graph, wall: Wall): string[] {
  const found: string[] = [];
  for (const start of graph.keys()) {
    if (!wall.from.test(start)) continue;
    for (const [end, chain] of reachable(graph, start)) {
      const isForbidden = wall.mayNotReach?.test(end) || (wall.mayImportOnly && chain.length === 2 && !wall.mayImportOnly.test(end));
      if (isForbidden) found.push(chain.join(' → '));
    }
  }
  return found;
}

/** What can be reached from `start`, with a shortest chain to each. */
function reachable(graph: Graph, start: string): Map<string, string[]> {
  const chains = new Map<string, string[]>();
  const queue = [[start]];
  for (const chain of queue) {
    for (const next of graph.get(chain.at(-1)!) ?? []) {
      if (chains.has(next)) continue;
      chains.set(next, [...chain, next]);
      queue.push([...chain, next]);
    }
  }
  return chains;
}

/** Modules that reach themselves, with the way round. */
function cycles(graph: Graph): string[] {
  return [...graph.keys()].flatMap(module => reachable(graph, module).get(module)?.join(' → ') ?? []);
}

function withChain(graph: Graph, chain: readonly string[]): Graph {
  const copy = new Map([...graph].map(([module, imports]) => [module, new Set(imports)]));
  chain.slice(1).forEach((to, i) => copy.set(chain[i]!, (copy.get(chain[i]!) ?? new Set<string>()).add(to)));
  return copy;
}

async function readGraph(): Promise<Graph> {
  const { cruise } = await import('dependency-cruiser');
  const { output } = await cruise(['src'], { baseDir: ROOT, tsPreCompilationDeps: true, doNotFollow: { path: 'node_modules' } });
  assert.ok(typeof output !== 'string');
  const graph = new Map<string, Set<string>>();
  for (const { source, dependencies } of output.modules) {
    if (!source.startsWith('src/')) continue;
    graph.set(source, new Set(dependencies.map(({ module, resolved, coreModule }) => (resolved.startsWith('src/') ? resolved : coreModule ? `node:${resolved}` : module))));
  }
  return graph;
}

describe('the walls', () => {
  let graph: Graph;
  before(async () => (graph = await readGraph()));

  it('are seen whole: every source file, with its imports of types', () => {
    assert.ok(graph.size > 40, `${graph.size} modules`);
    assert.ok(graph.get('src/core/model/hostModel.ts')?.has('src/core/rawSnapshot.ts'), 'an import of types alone');
    assert.ok(graph.get('src/extension/extension.ts')?.has('vscode'));
    assert.ok(graph.get('src/core/host/localHost.ts')?.has('node:child_process'));
  });

  for (const [name, wall] of Object.entries(WALLS)) {
    it(name, () => assert.deepEqual(breaches(graph, wall), []));
    it(`${name}: a breach would be seen`, () => {
      assert.ok([...graph.keys()].some(module => wall.from.test(module)), 'nothing stands behind this wall');
      assert.notDeepEqual(breaches(withChain(graph, wall.breach), wall), []);
    });
  }

  it('there is no cycle, of types neither', () => assert.deepEqual(cycles(graph), []));

  it('there is no cycle: one would be seen', () => {
    assert.notDeepEqual(cycles(withChain(graph, ['src/core/rawSnapshot.ts', 'src/core/model/hostModel.ts'])), []);
  });
});
