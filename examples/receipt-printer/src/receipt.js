const CURRENCIES = new Set(["EUR", "USD"]);

/** Return the lines of a receipt. Throws a RangeError if the amount or the currency is wrong. */
export function receipt({ amount, currency, reference }) {
  if (!Number.isInteger(amount) || amount <= 0) {
    throw new RangeError("amount: write the number of cents, such as 1250");
  }
  if (!CURRENCIES.has(currency)) {
    throw new RangeError(`currency: write one of ${[...CURRENCIES].join(", ")}`);
  }
  const total = `${Math.floor(amount / 100)}.${String(amount % 100).padStart(2, "0")}`;
  return [`Receipt ${String(reference).slice(0, 40)}`, `Total ${total} ${currency}`];
}
