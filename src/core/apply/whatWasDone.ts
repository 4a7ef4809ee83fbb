import type { HostModel } from '../model/hostModel';
import type { Plan } from '../plan/plan';
import type { Applied } from './applied';

export function whatWasDone(plan: Plan, model: HostModel): Applied {
  void model;
  return { steps: plan.steps.map(() => ({ state: 'unknown', errno: undefined, found: undefined, said: undefined })), complete: false, remarks: [] };
}
