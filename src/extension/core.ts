/**
 * All of the core that the extension runs, as a bundle of its own (`dist/core.js`): nothing of it is needed before a
 * host is read, and activation does not wait for it. Always reached through `lazyCore.ts`.
 */
export { applyQuestion } from '../core/apply/apply';
export { whatWasDone } from '../core/apply/found';
export { HistoryFile, historyHosts } from '../core/apply/historyFile';
export { CaptureSource } from '../core/capture/captureSource';
export { printing } from '../core/capture/format';
export { redacting } from '../core/capture/redact';
export { cgroupFileQuestion, cgroupFilesQuestion, isFileName } from '../core/collect/cgroupFile';
export { LiveSource } from '../core/collect/collect';
export { DEFAULT_QEMU_EXECUTABLES, HELPERS, MANAGERS } from '../core/collect/script';
export { tasksQuestion } from '../core/collect/tasks';
export { ApplyError, CollectError, SshError } from '../core/errors';
export { LocalHost } from '../core/host/localHost';
export { interfaceFile, isWritable, writtenValue } from '../core/interfaceFiles';
export { layoutText, STAGES } from '../core/layout/layout';
export { layoutOf } from '../core/layout/layouts';
export { describeCollection, describeError, describeRemoved, useTexts } from '../core/messages';
export { buildModel } from '../core/model/buildModel';
export { buildingCgroupTree, cgroupName } from '../core/model/cgroupTree';
export { Filter } from '../core/model/filter';
export { effectiveCpus, withAncestors } from '../core/model/hierarchies';
export { effectiveLimits } from '../core/model/limits';
export { cgroupOwner, valuesOwner } from '../core/model/owner';
export { findingNeighbours } from '../core/model/neighbours';
export { Pace, paced } from '../core/model/pace';
export { Rates } from '../core/model/rates';
export { isWithin, machineSubtree, ownCgroups } from '../core/model/subtree';
export { roleText } from '../core/model/roles';
export { ALL_RULES, checking } from '../core/rules/allRules';
export { SEVERITIES } from '../core/rules/rule';
export { judged, worstOf } from '../core/rules/settings';
export { CpuSet, parseCpuList } from '../core/parse/cpuList';
export { isProgramName } from '../core/parse/programName';
export { unescapeUnit } from '../core/parse/systemdName';
export { cell, joinCells } from '../core/placement/cells';
export { diffPlacement } from '../core/placement/diff';
export { parsePlacement } from '../core/placement/parse';
export { pathText, print } from '../core/placement/print';
export { toPlacement, valuesOf } from '../core/placement/toPlacement';
export { changesOf } from '../core/plan/edits';
export { isBound } from '../core/plan/guards';
export { makePlan, planning } from '../core/plan/makePlan';
export { printPlan } from '../core/plan/print';
export { planScript } from '../core/plan/script';
export { sentence } from '../core/plan/sentences';
export { undoPlan } from '../core/plan/undo';
