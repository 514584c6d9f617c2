/** How the parts of the view reach the model. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { ChatModel } from '../model/model.ts';

export const ModelContext = createContext<ChatModel | undefined>(undefined);

export function useModel(): ChatModel {
  const model = useContext(ModelContext);
  if (model === undefined) throw new Error('The view is rendered without its model.');
  return model;
}
