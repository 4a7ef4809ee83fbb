// The pages that *Explain* shows: each rule's doc comment as Markdown, so that whoever reads the rule and whoever reads its page read the same.
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const SECTIONS = ['Cause', 'Signature', 'Cost', 'Fix', 'Sources'];
const SEVERITIES = ['error', 'warning', 'information', 'hint'];

/** Writes `ID.md` for each rule of the folder. A rule whose comment is no page is an error of the build. */
export function writeRulePages(rules, target) {
  const pages = readdirSync(rules).filter(file => file.endsWith('.ts')).sort().flatMap(file => rulePages(file, readFileSync(path.join(rules, file), 'utf8')));
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  for (const { id, text } of pages) writeFileSync(path.join(target, `${id}.md`), text);
}

/** The pages of the rules in a source text: of its exported constants of type `Rule`. @throws what is missing in one */
export function rulePages(file, source) {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  return tree.statements.flatMap(statement => {
    if (!ts.isVariableStatement(statement) || !ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
    return statement.declarationList.declarations.filter(({ type }) => type?.getText() === 'Rule').map(({ name, initializer }) => {
      const fault = what => new Error(`${file}: the rule ${name.getText()} ${what}`);
      const id = textOf(property(initializer, 'id'));
      if (id === undefined || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(id)) throw fault('has no id like `vcpu-in-emulator`, as a plain string');
      const title = textOf(firstCallArgument(property(initializer, 'title')));
      if (title === undefined) throw fault("has no title like `() => t('…')`");
      const comment = ts.getLeadingCommentRanges(source, statement.getFullStart())?.map(({ pos, end }) => source.slice(pos, end)).findLast(text => text.startsWith('/**'));
      if (!comment) throw fault('has no doc comment: it is its page');
      const paragraphs = paragraphsOf(comment);
      const missing = SECTIONS.filter(section => !paragraphs.some(text => text.startsWith(`**${section}.** `)));
      if (missing.length > 0) throw fault(`says nothing of ${missing.map(section => `**${section}.**`).join(', ')} in its comment`);
      return { id, title, text: page(id, title, severitiesOf(tree), paragraphs) };
    });
  });
}

function page(id, title, severities, paragraphs) {
  // In the source it begins with the id, for whoever searches; here that stands above it.
  const told = paragraphs.map(text => text.replace(/^\*\*(\w+)\.\*\* /, (all, word) => (SECTIONS.includes(word) ? `## ${word}\n\n` : all)));
  told[0] = told[0].replace(`\`${id}\`: `, '').replace(/^(?!vCPU|libvirt)[a-z]/, first => first.toUpperCase());
  return `${[
    `# ${title}`,
    `\`${id}\`${severities.length === 0 ? '' : ` · ${severities.join(' or ')}`}`,
    ...told,
    '---',
    `Another severity, or \`off\`: \`"${id}"\` in the setting \`cgroupLens.rules\`. Silent for one machine, with a reason: the setting \`cgroupLens.suppressed\`, or the light bulb of a finding.`,
  ].join('\n\n')}\n`;
}

/** The text between the stars; what stands in braces for TypeScript's readers is only its name, and nothing becomes HTML. */
function paragraphsOf(comment) {
  const lines = comment.replace(/^\/\*\*/, '').replace(/\*\/$/, '').split('\n').map(line => line.replace(/^\s*\*? ?/, '').trimEnd());
  return lines.join('\n').split(/\n{2,}/).map(text => text.trim()).filter(text => text !== '')
    .map(text => text.replace(/\{@link\s+([^}]+?)\s*\}/g, '`$1`').split(/(`[^`]*`)/).map((part, i) => (i % 2 ? part : part.replaceAll('<', '&lt;'))).join(''));
}

function property(node, name) {
  return node && ts.isObjectLiteralExpression(node) ? node.properties.find(one => ts.isPropertyAssignment(one) && one.name.getText() === name)?.initializer : undefined;
}

function firstCallArgument(node) {
  return node && ts.isArrowFunction(node) && ts.isCallExpression(node.body) ? node.body.arguments[0] : undefined;
}

function textOf(node) {
  return node && ts.isStringLiteralLike(node) ? node.text : undefined;
}

/** Those that its findings may have: the words that stand where a severity is made, or anywhere in the file. */
function severitiesOf(tree) {
  const within = (node, found = new Set()) => {
    if (ts.isStringLiteralLike(node) && SEVERITIES.includes(node.text)) found.add(node.text);
    ts.forEachChild(node, child => void within(child, found));
    return found;
  };
  const made = new Set();
  const look = node => {
    if (ts.isPropertyAssignment(node) && node.name.getText() === 'severity') for (const word of within(node.initializer)) made.add(word);
    ts.forEachChild(node, look);
  };
  look(tree);
  const found = made.size > 0 ? made : within(tree);
  return SEVERITIES.filter(severity => found.has(severity));
}
