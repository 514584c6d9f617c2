/** `finchat config`: the settings in effect and where each comes from; secrets masked. */
import { type Env, loadConfig, settings, showSetting } from '../../src/config.ts';
import type { Define } from '../context.ts';
import { renderEnvSample } from '../env-sample.ts';
import { UsageError } from '../errors.ts';
import { addExamples, addJsonOption } from '../help.ts';
import { formatTable } from '../output.ts';

type Source = 'environment' | '.env' | 'derived' | 'default';

export const define: Define = (command, context) => {
  command.option('--env-sample', 'print a commented .env with every setting and its default');
  addJsonOption(command);
  addExamples(command, [
    ['finchat config', 'a table'],
    ['finchat config --json', 'an array for scripts'],
    ['finchat config --env-sample > .env', 'a fresh .env to edit'],
  ]);
  command.action(async ({ json, envSample }: { json?: true; envSample?: true }) => {
    if (json && envSample) throw new UsageError('Give --json or --env-sample, not both.');
    if (envSample) return context.out.print(renderEnvSample().trimEnd());
    const env = await context.readEnv();
    const config = loadConfig(env);
    const rows = Object.entries(settings).map(([name, setting]) => {
      const value = config[name as keyof typeof config];
      return {
        key: setting.key,
        value: showSetting(setting, value),
        source: sourceOf(setting, value, context.env, env),
      };
    });
    if (json) return context.out.json(rows);
    context.out.print(
      formatTable(
        ['setting', 'value', 'from'],
        rows.map(({ key, value, source }) => [key, value === '' ? '(unset)' : value, source]),
        '',
      ),
    );
  });
};

/** `derived`: made from POSTGRES_* or REDIS_*. */
function sourceOf(setting: { key: string; default: unknown }, value: unknown, own: Env, merged: Env): Source {
  const isSet = (env: Env): boolean => (env[setting.key] ?? '') !== '';
  if (isSet(own)) return 'environment';
  if (isSet(merged)) return '.env';
  return value === setting.default ? 'default' : 'derived';
}
