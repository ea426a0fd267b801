// Custom behavioural events: definitions (which the client has no methods for), sending one and many.
import assert from "node:assert/strict";
import { account, create, hubspot, raw, refusal, step } from "./harness.mjs";

const { basicApi, batchApi } = hubspot.events.send;
const contact = await create("contacts");
const eventName = `pe${account.portalId}_bird_message`;
const event = (uuid, more = {}) => ({ eventName, objectId: contact.id, occurredAt: new Date("2026-11-22T10:00:00Z"), properties: { channel: "WhatsApp" }, uuid, ...more });

await step("define an event", async () => {
  const { status, body } = await raw("POST", "/events/v3/event-definitions", {
    label: "Bird message", name: "bird_message", primaryObject: "CONTACT", includeDefaultProperties: false,
    propertyDefinitions: [{ name: "channel", label: "Channel", type: "string" }],
  });
  assert.deepEqual([status, body.fullyQualifiedName], [201, eventName]);
  const { body: all } = await raw("GET", "/events/custom/2026-09/event-definitions");
  assert.deepEqual(all.results.map((d) => d.fullyQualifiedName), [eventName]);
});

await step("send an event, twice with one uuid", async () => {
  assert.equal(await basicApi.send(event("one")), undefined);
  assert.equal(await basicApi.send(event("one")), undefined);
});

await step("send events in a batch, by id and by email", async () => {
  assert.equal(await batchApi.send({ inputs: [event("two"), event("three", { objectId: undefined, email: contact.properties.email })] }), undefined);
});

await step("send an event in the dated version", async () => {
  const { status } = await raw("POST", "/events/custom/2026-09/send", event("four"));
  assert.equal(status, 204);
});

await step("an unknown event and a value that is too long are refused", async () => {
  assert.equal((await refusal(basicApi.send(event("five", { eventName: "pe1_nothing" })))).code, 400);
  assert.equal((await refusal(basicApi.send(event("six", { properties: { channel: "x".repeat(257) } })))).code, 400);
});
