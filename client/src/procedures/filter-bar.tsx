import type { JSX, RefObject } from 'preact';
import type { ProcedureListAnswer } from '../../../src/server/procedure-protocol.js';
import { NO_FILTERS, type Filters, type Order } from './api.js';

interface FilterBarProps {
  readonly filters: Filters;
  readonly order: Order;
  readonly list: ProcedureListAnswer | null;
  readonly searchRef: RefObject<HTMLInputElement>;
  readonly onChange: (changes: Partial<Filters>) => void;
  readonly onOrder: (order: Order) => void;
}

const KINDS = [
  ['recorded', 'Recorded'],
  ['imported', 'Audited videos'],
  ['photographs', 'Photographs'],
] as const;
const STATES = [
  ['closed', 'Closed'],
  ['open', 'Open'],
  ['interrupted', 'Interrupted'],
] as const;
const COMPLETE = [
  ['true', 'All documented'],
  ['false', 'Something missing'],
] as const;
const ORDERS: readonly (readonly [Order, string])[] = [
  ['newest', 'Newest first'],
  ['oldest', 'Oldest first'],
  ['least-complete', 'Least complete first'],
  ['longest', 'Longest first'],
];

export function FilterBar({ filters, order, list, searchRef, onChange, onOrder }: FilterBarProps): JSX.Element {
  const select = (name: keyof Filters, label: string, any: string, options: readonly (readonly [string, string])[]): JSX.Element => (
    <select
      aria-label={label}
      data-set={filters[name] !== ''}
      value={filters[name]}
      onChange={({ currentTarget }) => {
        onChange({ [name]: currentTarget.value });
      }}
    >
      <option value="">{any}</option>
      {options.map(([value, words]) => (
        <option key={value} value={value}>
          {words}
        </option>
      ))}
    </select>
  );
  const date = (name: 'from' | 'to', label: string): JSX.Element => (
    <label class="filter-date" data-set={filters[name] !== ''}>
      {label}
      <input
        type="date"
        value={filters[name]}
        onInput={({ currentTarget }) => {
          onChange({ [name]: currentTarget.value });
        }}
      />
    </label>
  );
  const checklists = (list?.checklists ?? []).map(({ id, name }) => [id, name] as const);
  return (
    <form
      class="filter-bar"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
      }}
    >
      <label class="filter-text">
        <span class="visually-hidden">Label or id</span>
        <input
          ref={searchRef}
          type="search"
          placeholder="Label or id"
          value={filters.text}
          autocomplete="off"
          spellcheck={false}
          onInput={({ currentTarget }) => {
            onChange({ text: currentTarget.value });
          }}
        />
        <kbd>/</kbd>
      </label>
      {date('from', 'From')}
      {date('to', 'To')}
      {select('checklistId', 'Checklist', 'Every checklist', checklists)}
      {select('documented', 'Completeness', 'Complete or not', COMPLETE)}
      {select('kind', 'Kind', 'Every kind', KINDS)}
      {select('state', 'State', 'Every state', STATES)}
      {select('held', 'Marked for audit', 'Marked or not', [['true', 'Marked for audit']])}
      <button
        type="button"
        class="quiet"
        disabled={Object.values(filters).every((value) => value === '')}
        onClick={() => {
          onChange(NO_FILTERS);
        }}
      >
        Clear
      </button>
      <select
        class="filter-order"
        aria-label="Order"
        value={order}
        onChange={({ currentTarget }) => {
          onOrder(currentTarget.value as Order);
        }}
      >
        {ORDERS.map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
    </form>
  );
}
