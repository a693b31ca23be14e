export { bootstrapByGroup, bootstrapSeveral, wilson, type Interval } from '../common/intervals.js';
