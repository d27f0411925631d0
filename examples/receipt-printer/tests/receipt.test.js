import assert from "node:assert/strict";
import { test } from "node:test";
import { receipt } from "../src/receipt.js";
import { server } from "../src/server.js";

test("a receipt has the total in the currency", () => {
  assert.deepEqual(receipt({ amount: 1205, currency: "EUR", reference: "r-1" }), ["Receipt r-1", "Total 12.05 EUR"]);
});

for (const wrong of [{ amount: 0 }, { amount: 1.5 }, { amount: "1" }, { currency: "eur" }]) {
  test(`a payment with ${JSON.stringify(wrong)} has no receipt`, () => {
    assert.throws(() => receipt({ amount: 1, currency: "EUR", ...wrong }), RangeError);
  });
}

test("the server answers", async (context) => {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close());
  const base = `http://127.0.0.1:${server.address().port}`;
  const post = (content) => fetch(`${base}/receipts`, { method: "POST", body: content });

  assert.deepEqual(await (await fetch(`${base}/health`)).json(), { status: "ok" });
  assert.equal((await post(JSON.stringify({ amount: 1, currency: "USD", reference: "r" }))).status, 201);
  assert.equal((await post("not JSON")).status, 400);
  assert.equal((await fetch(`${base}/other`)).status, 404);
});
