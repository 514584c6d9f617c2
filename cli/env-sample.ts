/** `.env.sample`, made from the settings table. `finchat config --env-sample` prints it, `finchat setup` begins with it. */
import { settings, showSetting } from '../src/config.ts';
import { quoteEnvValue } from './env-file.ts';

/** What docker-compose.yml reads beside the settings; the server makes URLs of them where no URL is given. */
const composeVariables: readonly (readonly [key: string, preset: string, help: string])[] = [
  ['POSTGRES_USER', 'finchat', 'The database’s user.'],
  ['POSTGRES_PASSWORD', '', 'Its password; docker-compose.yml demands one. Single quotes keep a $ as it is.'],
  ['POSTGRES_DB', 'finchat', 'The database’s name.'],
  ['POSTGRES_HOST', 'localhost', 'Where PostgreSQL is; docker-compose.yml sets it for its own server.'],
  ['POSTGRES_PORT', '5432', 'Its port. From outside the containers: 15432.'],
  ['REDIS_PASSWORD', '', 'The password of Redis. Single quotes keep a $ as it is.'],
  ['REDIS_HOST', '', 'Where Redis is, in place of REDIS_URL; docker-compose.yml sets it for its own server.'],
  ['REDIS_PORT', '6379', 'Its port.'],
  ['SERVER_PORTS', '8000', 'The port of the server’s container; a range such as 8001-8003 for several of them.'],
];

export function renderEnvSample(): string {
  const lines = [
    '# finchat’s settings. Copy this file as .env, or let `finchat setup` write it. The environment wins over it.',
    '# Every line stands for its default: take the # away to change it.',
    "# Put a value with $, # or blanks between single quotes: 'pa$$word'.",
  ];
  const groups = new Set(Object.values(settings).map(({ group }) => group));
  for (const group of groups) {
    lines.push('', `# ---- ${group} ----`);
    for (const setting of Object.values(settings)) {
      if (setting.group !== group) continue;
      const preset = quoteEnvValue(
        setting.key,
        showSetting({ ...setting, secret: undefined } as never, setting.default),
      );
      lines.push('', `# ${setting.help}`, `# ${setting.key}=${preset}`);
    }
  }
  lines.push(
    '',
    '# ---- containers (docker-compose.yml, whose defaults these are) ----',
    '# Outside of the containers finchat uses them too, where DATABASE_URL or REDIS_URL is unset.',
  );
  for (const [key, preset, help] of composeVariables) lines.push('', `# ${help}`, `# ${key}=${preset}`);
  return `${lines.join('\n')}\n`;
}
