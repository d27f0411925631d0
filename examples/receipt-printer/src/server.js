import { createServer } from "node:http";
import { receipt } from "./receipt.js";

const LONGEST_BODY = 10_000;

function answer(response, status, content) {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify(content));
}

async function body(request) {
  let text = "";
  for await (const part of request) {
    text += part;
    if (text.length > LONGEST_BODY) throw new RangeError("the body is too long");
  }
  return JSON.parse(text);
}

export const server = createServer(async (request, response) => {
  if (request.method === "GET" && request.url === "/health") return answer(response, 200, { status: "ok" });
  if (request.method !== "POST" || request.url !== "/receipts") return answer(response, 404, { error: "not found" });
  try {
    answer(response, 201, { lines: receipt(await body(request)) });
  } catch (error) {
    answer(response, 400, { error: error.message });
  }
});

if (process.argv[1] === import.meta.filename) {
  server.listen(Number(process.env.PORT ?? 8080), process.env.HOST ?? "0.0.0.0");
  process.on("SIGTERM", () => server.close());
}
