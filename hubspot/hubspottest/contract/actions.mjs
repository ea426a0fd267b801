// The end of custom workflow actions that main.go had run and that wait for their callbacks.
import assert from "node:assert/strict";
import { account, hubspot, raw, refusal, step } from "./harness.mjs";

const { callbacksApi } = hubspot.automation.actions;
const [one, two, three, four] = account.callbacks;
const outputFields = { hs_execution_state: "SUCCESS", message_id: "m-1" };

await step("complete an action, once", async () => {
  assert.equal(await callbacksApi.complete(one, { outputFields }), undefined);
  assert.equal((await refusal(callbacksApi.complete(one, { outputFields }))).code, 404);
});

await step("complete actions in a batch", async () => {
  assert.equal(await callbacksApi.completeBatch({ inputs: [two, three].map((callbackId) => ({ callbackId, outputFields })) }), undefined);
});

await step("the dated versions ask for typed outputs", async () => {
  const path = `/automation/actions/callbacks/2026-09/${four}/complete`;
  assert.equal((await raw("POST", path, { outputFields })).status, 400);
  assert.equal((await raw("POST", path, { outputFields, typedOutputs: {} })).status, 204);
});
