import type { Action } from './action';
import { predictAffinity } from './affinity';
import { accepted, refusal, unless } from './answers';
import { reason } from './because';
import { predictMove } from './move';
import type { Prediction } from './outcome';
import { predictScheduling } from './scheduling';
import { predictMake, predictRemove } from './tree';
import type { World } from './world';
import { predictWrite } from './write';

/** What this kernel does with an action of root's, from the model alone. */
export function predict(world: World, action: Action): Prediction {
  switch (action.kind) {
    case 'move':
      return predictMove(world, action);
    case 'affinity':
      return predictAffinity(world, action);
    case 'scheduling':
      return predictScheduling(world, action);
    case 'make':
      return predictMake(world, action);
    case 'remove':
      return predictRemove(world, action);
    case 'write':
      return predictWrite(world, action);
    case 'tool':
      return unless(accepted(world), refusal('EUNKNOWN', reason('not-modelled', { file: action.argv[0] ?? '' })));
  }
}
