// Push webhooks: the app's settings and subscriptions, and events whose signatures HubSpot's own checker accepts.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { Signature } from "@hubspot/api-client";
import { account, clientOf, create, hubspot, refusal, step } from "./harness.mjs";

const { settingsApi, subscriptionsApi } = clientOf({ developerApiKey: account.developerKey }).webhooks;
const { appId, clientSecret } = account;

const events = [];
const receiver = createServer(async (request, response) => {
  let requestBody = "";
  for await (const chunk of request) requestBody += chunk;
  const shared = { clientSecret, requestBody, url: target, method: request.method };
  const timestamp = Number(request.headers["x-hubspot-request-timestamp"]);
  const valid = {
    v3: Signature.isValid({ ...shared, signatureVersion: "v3", signature: request.headers["x-hubspot-signature-v3"], timestamp }),
    v1: Signature.isValid({ ...shared, signatureVersion: "v1", signature: request.headers["x-hubspot-signature"] }),
  };
  for (const event of JSON.parse(requestBody)) events.push({ ...event, valid });
  response.end();
});
receiver.listen(0, "127.0.0.1");
await once(receiver, "listening");
const target = `http://127.0.0.1:${receiver.address().port}/hooks?from=hubspot`;

/** Waits for the events that match. */
async function eventually(count, match) {
  for (let i = 0; i < 500; i++) {
    const found = events.filter(match);
    if (found.length >= count) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`fewer than ${count} such events in ${JSON.stringify(events)}`);
}

let email;

await step("settings of the app", async () => {
  const made = await settingsApi.configure(appId, { targetUrl: target, throttling: { maxConcurrentRequests: 10 } });
  assert.equal(made.targetUrl, target);
  assert.equal((await settingsApi.getAll(appId)).throttling.maxConcurrentRequests, 10);
});

await step("create and read subscriptions", async () => {
  email = await subscriptionsApi.create(appId, { eventType: "contact.propertyChange", propertyName: "email", active: true });
  assert.equal(email.propertyName, "email");
  assert.ok(email.createdAt instanceof Date);
  for (const eventType of ["contact.creation", "contact.associationChange", "contact.deletion"]) {
    assert.equal((await subscriptionsApi.create(appId, { eventType, active: true })).active, true);
  }
  assert.equal((await subscriptionsApi.getById(Number(email.id), appId)).eventType, "contact.propertyChange");
  assert.equal((await subscriptionsApi.getAll(appId)).results.length, 4);
});

await step("events of a creation, a change, an association and a deletion, rightly signed", async () => {
  const { id, properties } = await create("contacts");
  const deal = await create("deals");
  await hubspot.crm.associations.v4.basicApi.createDefault("contacts", id, "deals", deal.id);
  await hubspot.crm.contacts.basicApi.archive(id);
  const [created] = await eventually(1, (e) => e.subscriptionType === "contact.creation" && String(e.objectId) === id);
  const [changed] = await eventually(1, (e) => e.subscriptionType === "contact.propertyChange" && String(e.objectId) === id);
  const [associated] = await eventually(1, (e) => e.subscriptionType === "contact.associationChange" && String(e.fromObjectId) === id);
  const [deleted] = await eventually(1, (e) => e.subscriptionType === "contact.deletion" && String(e.objectId) === id);
  for (const e of [created, changed, associated, deleted]) {
    assert.deepEqual(e.valid, { v3: true, v1: true });
    assert.deepEqual([e.portalId, e.appId, e.changeSource, e.sourceId], [account.portalId, appId, "INTEGRATION", String(appId)]);
  }
  assert.deepEqual([changed.propertyName, changed.propertyValue], ["email", properties.email]);
  assert.deepEqual([associated.associationType, String(associated.toObjectId), associated.associationRemoved], ["CONTACT_TO_DEAL", deal.id, false]);
});

await step("pause a subscription", async () => {
  assert.equal((await subscriptionsApi.update(Number(email.id), appId, { active: false })).active, false);
});

await step("resume subscriptions in a batch", async () => {
  const answer = await subscriptionsApi.updateBatch(appId, { inputs: [{ id: Number(email.id), active: true }] });
  assert.equal(answer.status, "COMPLETE");
  assert.equal(answer.results[0].active, true);
});

await step("delete a subscription", async () => {
  await subscriptionsApi.archive(Number(email.id), appId);
  assert.equal((await refusal(subscriptionsApi.getById(Number(email.id), appId))).code, 404);
});

await step("delete the settings", async () => {
  await settingsApi.clear(appId);
  assert.equal((await refusal(settingsApi.getAll(appId))).code, 404);
});

await step("a wrong developer key", async () => {
  const stranger = clientOf({ developerApiKey: "wrong" }).webhooks;
  assert.equal((await refusal(stranger.settingsApi.getAll(appId))).code, 401);
});

receiver.close();
receiver.closeAllConnections();
