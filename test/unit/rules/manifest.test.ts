// The settings know every rule: UPDATE_GOLDENS=1 writes what package.json and package.nls.json say of them.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { ALL_RULES } from '../../../src/core/rules/allRules';
import { SEVERITIES } from '../../../src/core/rules/rule';

const root = path.resolve(__dirname, '../../../..');
const TEXT = 'configuration.rules.';

const ids = ALL_RULES.map(({ id }) => id).sort();

describe('the settings of rules', () => {
  const file = (name: string): string => path.join(root, name);
  const read = (name: string): ReturnType<typeof JSON.parse> => JSON.parse(readFileSync(file(name), 'utf8'));
  const write = (name: string, value: unknown): void => writeFileSync(file(name), `${JSON.stringify(value, null, 2)}\n`);
  const texts = Object.fromEntries(ALL_RULES.map(({ id, title }) => [TEXT + id, title()]));
  const properties = Object.fromEntries(ids.map(id => [id, { type: 'string', enum: [...SEVERITIES, 'off'], description: `%${TEXT}${id}%` }]));

  before(() => {
    if (process.env['UPDATE_GOLDENS'] !== '1') return;
    const manifest = read('package.json');
    const settings = manifest.contributes.configuration.properties;
    settings['cgroupLens.rules'].properties = properties;
    settings['cgroupLens.suppressed'].items.properties.rule.enum = ids;
    write('package.json', manifest);
    const others = Object.entries(read('package.nls.json')).filter(([key]) => !key.startsWith(TEXT));
    write('package.nls.json', Object.fromEntries([...others, ...ids.map(id => [TEXT + id, texts[TEXT + id]])]));
  });

  it('are those that there are, each with its severities and what it finds', () => {
    const settings = read('package.json').contributes.configuration.properties;
    assert.deepEqual(settings['cgroupLens.rules'].properties, properties);
    assert.deepEqual(settings['cgroupLens.suppressed'].items.properties.rule.enum, ids);
    assert.deepEqual(Object.fromEntries(Object.entries(read('package.nls.json')).filter(([key]) => key.startsWith(TEXT))), texts);
  });

  it('can be set by no workspace: a folder must not silence what is wrong on a host', () => {
    const manifest = read('package.json');
    for (const name of ['cgroupLens.rules', 'cgroupLens.suppressed']) {
      assert.equal(manifest.contributes.configuration.properties[name].scope, 'application', name);
      assert.ok(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations.includes(name), name);
    }
  });
});
