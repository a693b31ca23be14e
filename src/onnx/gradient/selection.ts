import { cast, mul, not } from '../ops.js';
import { single, term, type Rule } from './rule.js';
import { unbroadcast } from './unbroadcast.js';

const whereRule: Rule = single((view, g) => [
  null,
  // A product rather than another Where, so that what was not taken costs no branch; its cotangent is finite.
  term(() => unbroadcast(mul(g, cast(view.input(0), g.type)), view.inputInfo(1).shape)),
  term(() => unbroadcast(mul(g, cast(not(view.input(0)), g.type)), view.inputInfo(2).shape)),
]);

export const SELECTION: readonly (readonly [string, Rule])[] = [['Where', whereRule]];
