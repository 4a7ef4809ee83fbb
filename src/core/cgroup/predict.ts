import type { Action } from './action';
import type { Prediction } from './outcome';
import type { World } from './world';

/** Stub: the kernel's rules are on their way. */
export function predict(world: World, action: Action): Prediction {
  void action;
  return { outcomes: [{ errno: undefined, because: undefined, effects: [] }], after: world };
}
