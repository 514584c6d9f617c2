/** Registering and logging in: from what a form has to a token, or to the faults that the form shows. */
import type { Client } from '../../../client/index.ts';
import type { FormFaults } from './model.ts';
import type { Sentences } from './sentences.ts';

type Outcome = { token: string } | { faults: FormFaults };
export type Account = {
  register(fields: { username: string; password: string; email: string }): Promise<Outcome>;
  login(fields: { username: string; password: string }): Promise<Outcome>;
};

export function createAccount(client: () => Client, sentences: Sentences): Account {
  const login: Account['login'] = async (fields) => {
    try {
      return { token: await client().login(fields) };
    } catch (error) {
      return { faults: sentences.form(error) };
    }
  };
  return {
    login,
    async register({ username, password, email }) {
      try {
        const profile = await client().register({ username, password, ...(email === '' ? {} : { email }) });
        return await login({ username: profile.username, password });
      } catch (error) {
        return { faults: sentences.form(error) };
      }
    },
  };
}
