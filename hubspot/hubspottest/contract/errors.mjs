// What the client sees when a call is refused.
import assert from "node:assert/strict";
import { account, clientOf, create, hubspot, raw, refusal, step } from "./harness.mjs";

await step("account details name the portal", async () => {
  for (const version of ["v3", "2026-03", "2026-09"]) {
    const { body } = await raw("GET", `/account-info/${version}/details`);
    assert.equal(typeof body.portalId, "number");
  }
});

await step("a second contact with an address is a conflict that names the first", async () => {
  const { id, properties } = await create("contacts");
  const { code, body } = await refusal(create("contacts", { email: properties.email }));
  assert.equal(code, 409);
  assert.equal(body.category, "CONFLICT");
  assert.equal(body.message.match(/Existing ID:\s*(\d+)/)[1], id);
});

await step("an update to a taken address is a 400 that names both", async () => {
  const [a, b] = [await create("contacts"), await create("contacts")];
  const { code, body } = await refusal(hubspot.crm.contacts.basicApi.update(b.id, { properties: { email: a.properties.email } }));
  assert.equal(code, 400);
  assert.equal(body.message.match(/ on (\d+)\. (\d+) already has that value/)[2], a.id);
});

await step("all bad values are reported at once", async () => {
  const { id } = await create("contacts");
  const { code, body } = await refusal(hubspot.crm.contacts.basicApi.update(id, {
    properties: { nope: "1", email: "no address", lifecyclestage: "nobody", hs_object_id: "5" },
  }));
  assert.equal(code, 400);
  assert.deepEqual(body.errors.map((e) => e.code).sort(), ["INVALID_EMAIL", "INVALID_OPTION", "PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"]);
  assert.match(body.correlationId, /^[0-9a-f-]{36}$/);
});

await step("absent and odd ids", async () => {
  const absent = await refusal(hubspot.crm.contacts.basicApi.getById("424242"));
  assert.deepEqual([absent.code, absent.body.message], [404, "resource not found"]);
  const odd = await refusal(hubspot.crm.contacts.basicApi.getById("abc"));
  assert.deepEqual([odd.code, odd.body.category, odd.body.context.id], [404, "OBJECT_NOT_FOUND", ["abc"]]);
});

await step("an unknown token", async () => {
  const { code, body } = await refusal(clientOf({ accessToken: "wrong" }).crm.contacts.basicApi.getPage(1));
  assert.deepEqual([code, body.category], [401, "INVALID_AUTHENTICATION"]);
});

await step("an upsert by a property that is not unique", async () => {
  const { code, body } = await refusal(hubspot.crm.contacts.batchApi.upsert({ inputs: [{ idProperty: "city", id: "Cali", properties: {} }] }));
  assert.equal(code, 400);
  assert.match(body.message, /non-unique 0-1 property/);
});

await step("quotas of calls and of searches", async () => {
  const { crm } = clientOf({ accessToken: account.tightToken });
  for (let i = 0; i < 2; i++) await crm.contacts.basicApi.getPage(1);
  const calls = await refusal(crm.contacts.basicApi.getPage(1));
  assert.deepEqual([calls.code, calls.body.policyName, calls.headers["x-hubspot-ratelimit-remaining"]], [429, "TEN_SECONDLY_ROLLING", "0"]);
  await crm.contacts.searchApi.doSearch({ query: "ana" });
  const searches = await refusal(crm.contacts.searchApi.doSearch({ query: "ana" }));
  assert.deepEqual([searches.code, searches.body.policyName], [429, "SECONDLY"]);
});
