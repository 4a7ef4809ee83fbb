import type { Action } from '../cgroup/action';
import type { Prediction } from '../cgroup/outcome';
import { predict } from '../cgroup/predict';
import type { World } from '../cgroup/world';
import { type Steps, atOnce } from '../model/pace';

/** An action in its place, with the world that it meets. */
export interface Placed {
  readonly action: Action;
  readonly before: World;
  readonly prediction: Prediction;
}

/** Room is made before it is filled, and a pin comes after the move that could forget it (Linux before 6.2). */
const RANK: Readonly<Record<Action['kind'], number>> = { make: 0, write: 1, move: 2, affinity: 3, scheduling: 3, tool: 4, remove: 5 };

export interface Ordered {
  readonly placed: readonly Placed[];
  readonly world: World;
  /** The first of those that the kernel would not accept. */
  readonly stuck: Placed | undefined;
}

/** {@link ordering}, at once. */
export function order(world: World, actions: readonly Action[]): Ordered {
  return atOnce(ordering(world, actions));
}

/**
 * Puts actions into an order in which the kernel accepts each: of those that are left, the first by rank that it accepts
 * now. So a parent grows before its child and shrinks after it, and a quota comes before or after its period, without a
 * rule for either. Where it accepts none of them, that one is `stuck`.
 */
export function* ordering(world: World, actions: readonly Action[]): Steps<Ordered> {
  const left = actions.map((action, i) => ({ action, i })).sort((a, b) => RANK[a.action.kind] - RANK[b.action.kind] || a.i - b.i).map(({ action }) => action);
  const placed: Placed[] = [];
  while (left.length > 0) {
    yield;
    let next: (Placed & { readonly at: number }) | undefined;
    let stuck: Placed | undefined;
    for (const [at, action] of left.entries()) {
      const prediction = predict(world, action);
      const here = { action, before: world, prediction };
      if (prediction.outcomes.some(outcome => outcome.errno === undefined)) {
        next = { ...here, at };
        break;
      }
      stuck ??= here;
    }
    if (!next) return { placed, world, stuck };
    left.splice(next.at, 1);
    placed.push(next);
    world = next.prediction.after;
  }
  return { placed, world, stuck: undefined };
}
