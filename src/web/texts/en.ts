/**
 * Every text of the pages, in English. Another language is another file of this shape, and a line in texts.ts.
 * A text with something in it is a function; plurals are the function's.
 */

// ---- both pages ----
const shared = {
  appName: 'finchat',
  theme: 'Appearance',
  themeSystem: 'System',
  themeLight: 'Light',
  themeDark: 'Dark',
  close: 'Close',
  cancel: 'Cancel',
  showPassword: 'Show password',
  hidePassword: 'Hide password',
};

// ---- chat ----
const chat = {
  title: 'finchat',
};

// ---- administration ----
const admin = {
  title: 'finchat administration',
};

export const en = { shared, chat, admin };
