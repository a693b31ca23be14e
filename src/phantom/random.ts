export { bell, between, chance, pick, randomStream, wholeBetween, type Random } from '../common/random.js';
