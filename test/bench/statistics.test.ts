import t from 'tap';
import { growthFactor, latencyColumns, median, quantile, worstGrowth } from '../../bench/statistics.js';

t.test('a quantile is the number of nearest rank, whatever the order', (t) => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  t.equal(quantile(hundred, 0.5), 50);
  t.equal(quantile(hundred, 0.95), 95);
  t.equal(quantile(hundred, 0.99), 99);
  t.equal(quantile(hundred, 1), 100);
  t.equal(quantile(hundred, 0), 1);
  t.equal(quantile([7], 0.99), 7);
  t.ok(Number.isNaN(quantile([], 0.5)));
  t.equal(median([9, 1, 5]), 5);
  t.same(latencyColumns(hundred), { p50_ms: 50, p95_ms: 95, p99_ms: 99 });
  t.end();
});

t.test('growth is 1 where cost follows size, less where it lags, more where it runs ahead', (t) => {
  t.equal(growthFactor({ size: 1, cost: 10 }, { size: 4, cost: 40 }), 1);
  t.equal(growthFactor({ size: 1, cost: 10 }, { size: 4, cost: 20 }), 0.5);
  t.equal(growthFactor({ size: 1, cost: 10 }, { size: 4, cost: 160 }), 4);
  const points = [
    { size: 1, cost: 10 },
    { size: 2, cost: 12 },
    { size: 4, cost: 48 },
    { size: 8, cost: 50 },
  ];
  t.equal(worstGrowth(points), 2);
  t.end();
});
