import test from 'ava';
import { type Setting, settings, showSetting } from '../../src/config.ts';
import { readProjectFile, tableRows } from './markdown.ts';

test('the table of settings in README.md is the code’s, with defaults and help', (t) => {
  const expected = Object.values(settings as Record<string, Setting>).map((setting) => {
    const shown = showSetting(setting, setting.default as string);
    return [
      setting.key,
      shown === '' ? '–' : shown.startsWith('Welcome') ? 'a greeting' : `\`${shown}\``,
      setting.help,
    ];
  });
  t.deepEqual(tableRows(readProjectFile('README.md'), 'setting'), expected);
});
