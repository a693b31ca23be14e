import { where } from '../ops.js';
import { single, term, type Rule } from './rule.js';
import { unbroadcast } from './unbroadcast.js';

const whereRule: Rule = single((view, g) => [
  null,
  term(() => unbroadcast(where(view.input(0), g, 0), view.inputInfo(1).shape)),
  term(() => unbroadcast(where(view.input(0), 0, g), view.inputInfo(2).shape)),
]);

export const SELECTION: readonly (readonly [string, Rule])[] = [['Where', whereRule]];
