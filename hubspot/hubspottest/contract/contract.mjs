// HubSpot's own client talks to the simulated account: create, batch read, batch upsert, search, and the errors it throws.
// Run by main.go, which passes the address and the token.
import assert from "node:assert/strict";
import { Client } from "@hubspot/api-client";

const { HUBSPOT_URL: basePath, HUBSPOT_TOKEN: accessToken } = process.env;
const hubspot = new Client({ accessToken, basePath, numberOfApiCallRetries: 0 });
const contacts = hubspot.crm.contacts;
const idProperty = "custom_bird_contact_id";

let steps = 0;
async function step(name, run) {
  await run();
  steps++;
  console.log(`ok ${steps} ${name}`);
}

/** The error a call throws, with its decoded body. */
async function refusal(call) {
  try {
    await call;
  } catch (e) {
    return { code: e.code, body: typeof e.body === "string" ? JSON.parse(e.body) : e.body };
  }
  assert.fail("the call was expected to be refused");
}

let ana;

await step("account details name the portal", async () => {
  const answer = await hubspot.apiRequest({ path: "/account-info/v3/details" });
  assert.equal(typeof (await answer.json()).portalId, "number");
});

await step("create a property with unique values", async () => {
  const made = await hubspot.crm.properties.coreApi.create("contacts", {
    name: idProperty, label: "Bird contact", groupName: "contactinformation", type: "string", fieldType: "text", hasUniqueValue: true,
  });
  assert.equal(made.hasUniqueValue, true);
  const all = await hubspot.crm.properties.coreApi.getAll("contacts");
  assert.ok(all.results.some((p) => p.name === idProperty));
});

await step("create a contact", async () => {
  ana = await contacts.basicApi.create({
    properties: { email: "ana@example.com", firstname: "Ana", phone: "+57 300 000 0001", [idProperty]: "b-1" },
    associations: [],
  });
  assert.match(ana.id, /^\d+$/);
  assert.ok(ana.createdAt instanceof Date && !Number.isNaN(ana.createdAt.getTime()));
  assert.equal(ana.archived, false);
});

await step("a second one with the address is a conflict that names the first", async () => {
  const { code, body } = await refusal(contacts.basicApi.create({ properties: { email: "ana@example.com" }, associations: [] }));
  assert.equal(code, 409);
  assert.equal(body.category, "CONFLICT");
  assert.equal(body.message.match(/Existing ID:\s*(\d+)/)[1], ana.id);
});

await step("an unknown property is refused", async () => {
  const { code, body } = await refusal(contacts.basicApi.update(ana.id, { properties: { nope: "1" } }));
  assert.equal(code, 400);
  assert.equal(body.errors[0].code, "PROPERTY_DOESNT_EXIST");
});

await step("batch create in part", async () => {
  const answer = await contacts.batchApi.create({
    inputs: [
      { properties: { email: "bob@example.com" }, associations: [], objectWriteTraceId: "1" },
      { properties: { email: "ana@example.com" }, associations: [], objectWriteTraceId: "2" },
    ],
  });
  assert.equal(answer.status, "COMPLETE");
  assert.equal(answer.results.length, 1);
  assert.equal(answer.numErrors, 1);
  assert.deepEqual(answer.errors[0].context.objectWriteTraceId, ["2"]);
});

await step("batch read by id with history, and what is missing", async () => {
  const answer = await contacts.batchApi.read({
    properties: ["email", "lastname"], propertiesWithHistory: ["firstname"], inputs: [{ id: ana.id }, { id: "7" }],
  });
  assert.equal(answer.results.length, 1);
  assert.equal(answer.results[0].properties.email, "ana@example.com");
  assert.equal(answer.results[0].properties.lastname, null);
  assert.equal(answer.results[0].propertiesWithHistory.firstname[0].sourceType, "INTEGRATION");
  assert.deepEqual(answer.errors[0].context.ids, ["7"]);
});

await step("batch read by the unique property", async () => {
  const answer = await contacts.batchApi.read({ properties: [], propertiesWithHistory: [], idProperty, inputs: [{ id: "b-1" }] });
  assert.equal(answer.results[0].id, ana.id);
});

await step("batch upsert updates one and creates one", async () => {
  const answer = await contacts.batchApi.upsert({
    inputs: [
      { idProperty, id: "b-1", properties: { lastname: "Roa" } },
      { idProperty, id: "b-3", properties: { email: "cy@example.com" } },
    ],
  });
  assert.deepEqual(answer.results.map((r) => r._new).sort(), [false, true]);
  assert.equal((await contacts.basicApi.getById(ana.id, ["lastname"])).properties.lastname, "Roa");
});

await step("batch update", async () => {
  const answer = await contacts.batchApi.update({ inputs: [{ id: ana.id, properties: { city: "Cali" } }] });
  assert.equal(answer.results[0].properties.city, "Cali");
});

await step("search by filter, sort and page", async () => {
  const answer = await contacts.searchApi.doSearch({
    filterGroups: [{ filters: [{ propertyName: "email", operator: "HAS_PROPERTY" }] }],
    sorts: ["-createdate"], properties: ["email"], limit: 2,
  });
  assert.equal(answer.total, 3);
  assert.equal(answer.results.length, 2);
  assert.equal(answer.paging.next.after, "2");
  const byPhone = await contacts.searchApi.doSearch({
    filterGroups: [{ filters: [{ propertyName: "hs_searchable_calculated_phone_number", operator: "EQ", value: "3000000001" }] }],
  });
  assert.deepEqual(byPhone.results.map((r) => r.id), [ana.id]);
});

await step("list all pages", async () => {
  assert.equal((await contacts.getAll()).length, 3);
});

await step("merge leads old ids to the survivor", async () => {
  const bob = (await contacts.searchApi.doSearch({ query: "bob@example.com" })).results[0];
  const merged = await hubspot.apiRequest({
    method: "POST", path: "/crm/v3/objects/contacts/merge", body: { primaryObjectId: ana.id, objectIdToMerge: bob.id },
  });
  const { id } = await merged.json();
  assert.equal((await contacts.basicApi.getById(bob.id)).id, id);
});

await step("archive", async () => {
  await contacts.basicApi.archive(ana.id).catch(() => undefined); // a merged id
  const { results } = await contacts.basicApi.getPage(10);
  for (const c of results) await contacts.basicApi.archive(c.id);
  assert.equal((await contacts.basicApi.getPage(10)).results.length, 0);
});

await step("a wrong token is 401", async () => {
  const stranger = new Client({ accessToken: "wrong", basePath, numberOfApiCallRetries: 0 });
  assert.equal((await refusal(stranger.crm.contacts.basicApi.getPage(1))).code, 401);
});

console.log(`PASS ${steps} steps`);
