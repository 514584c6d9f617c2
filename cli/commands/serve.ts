/** `finchat serve`: runs the server until it is told to stop. */
import type { Define } from '../context.ts';
import { addExamples } from '../help.ts';

export const define: Define = (command, context) => {
  command.description(
    'Run the server. Migrates the database first, and makes three sample rooms where there never was a room.',
  );
  addExamples(command, [
    ['finchat serve', 'with the settings of the environment and .env'],
    ['PORT=8080 DATABASE_URL=postgres://finchat:secret@localhost/finchat finchat serve', 'on PostgreSQL'],
  ]);
  command.action(async () => {
    const config = await context.config();
    const { runServer } = await import('../../src/index.ts');
    await runServer(config);
  });
};
