// Numbers and counts in words, and the one bound everybody needs.

/** A number as a reader writes it: a true minus sign, no trailing zeros. */
export function fmt(value, digits = 2) {
  if (value === Infinity) return "∞";
  if (value === -Infinity) return "−∞";
  if (Number.isNaN(value)) return "not a number";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 0.5 * 10 ** -digits)) {
    const [mantissa, exponent] = value.toExponential(1).split("e");
    return `${fmt(Number(mantissa), 1)}·10${superscript(Number(exponent))}`;
  }
  const text = String(Number(value.toFixed(digits)));
  return text.replace("-", "−");
}

function superscript(integer) {
  const digits = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  return [...String(integer)].map((d) => (d === "-" ? "⁻" : digits[d])).join("");
}

/** "1 row", "3 rows": a count with its noun. */
export function count(n, noun, plural = `${noun}s`) {
  return `${n} ${n === 1 ? noun : plural}`;
}

export function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}
