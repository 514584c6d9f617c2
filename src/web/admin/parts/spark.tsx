/** The course of a number as a small line. Decoration beside the number: it says nothing that is not seen elsewhere. */
import './spark.css';
import { sparkPath } from '../spark-path.ts';

export function Spark({ values }: { values: readonly number[] }) {
  if (values.length < 2) return <div class="spark" />;
  const line = sparkPath(values);
  return (
    <svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true" focusable="false">
      <path class="spark-area" d={`${line}V24H0Z`} />
      <path class="spark-line" d={line} vector-effect="non-scaling-stroke" />
    </svg>
  );
}
