export { bootstrapByGroup, wilson, type Interval } from '../common/intervals.js';
