// What every part shares: HubSpot's own client, pointed at the simulated account, and the steps with their names.
import assert from "node:assert/strict";
import { Client } from "@hubspot/api-client";

/** What main.go passes: the address, the credentials, the app. */
export const account = Object.freeze(JSON.parse(process.env.HUBSPOT_ACCOUNT));

/** A client with other credentials; it never tries a call again, so that every answer is seen. */
export const clientOf = (credentials) => new Client({ basePath: account.url, numberOfApiCallRetries: 0, ...credentials });

/** The client of the account's own app. */
export const hubspot = clientOf({ accessToken: account.token });

let steps = 0;

/** Runs one named step; the first that fails ends the run. */
export async function step(name, run) {
  await run();
  steps++;
  console.log(`ok ${steps} ${name}`);
}

/** The error a call throws, with its headers and its decoded body. */
export async function refusal(call) {
  try {
    await call;
  } catch (e) {
    return { code: e.code, headers: e.headers, body: typeof e.body === "string" && e.body !== "" ? JSON.parse(e.body) : e.body };
  }
  assert.fail("the call was expected to be refused");
}

/** A call that the client has no method for. */
export async function raw(method, path, body, client = hubspot) {
  const answer = await client.apiRequest({ method, path, body });
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? undefined : JSON.parse(text) };
}

/** A form post of the app, with its credentials, to an OAuth endpoint that the client does not know. */
export async function form(path, fields) {
  const body = new URLSearchParams({ client_id: account.clientId, client_secret: account.clientSecret, ...fields });
  const answer = await fetch(account.url + path, { method: "POST", body });
  return { status: answer.status, body: answer.status === 204 ? undefined : await answer.json() };
}

/** Asserts that ids are as expected, whatever their order. */
export function sameIds(got, want) {
  assert.deepEqual(got.map((r) => r.id).sort(), [...want].sort());
}

const at = (ms) => String(1790000000000 + ms);

/** Every object: its type id, its API in the client, a minimal record, a property to change, what a read shows of it, and its times. */
export const objects = {
  contacts: {
    id: "0-1", api: hubspot.crm.contacts, text: "city", modified: "lastmodifieddate",
    make: (n) => ({ firstname: `Ana ${n}`, email: `ana${n}@example.com`, phone: `+57 300 000 ${String(n).padStart(4, "0")}` }),
  },
  deals: {
    id: "0-3", api: hubspot.crm.deals, text: "dealname", modified: "hs_lastmodifieddate",
    make: (n) => ({ dealname: `Casa ${n}`, pipeline: "default", dealstage: "qualifiedtobuy", amount: "1200.5" }),
  },
  notes: {
    id: "0-46", api: hubspot.crm.objects.notes, text: "hs_attachment_ids", modified: "hs_lastmodifieddate",
    make: (n) => ({ hs_timestamp: at(n), hs_note_body: `Note ${n}` }),
  },
  tasks: {
    id: "0-27", api: hubspot.crm.objects.tasks, text: "hs_task_subject", modified: "hs_lastmodifieddate",
    make: (n) => ({ hs_timestamp: at(n), hs_task_subject: `Call ${n}`, hs_task_status: "NOT_STARTED", hs_task_priority: "HIGH" }),
  },
  meetings: {
    id: "0-47", api: hubspot.crm.objects.meetings, text: "hs_meeting_title", modified: "hs_lastmodifieddate",
    make: (n) => ({ hs_timestamp: at(n), hs_meeting_start_time: at(n), hs_meeting_end_time: at(n + 3600_000), hs_meeting_title: `Tour ${n}` }),
  },
  communications: {
    id: "0-18", api: hubspot.crm.objects.communications, text: "hubspot_owner_id", modified: "hs_lastmodifieddate",
    make: (n) => ({ hs_timestamp: at(n), hs_communication_channel_type: "WHATS_APP", hs_communication_logged_from: "CRM", hs_communication_body: `Hello ${n}` }),
  },
};

let made = 0;

/** A new record of a type. */
export const create = (type, properties = {}, associations = []) =>
  objects[type].api.basicApi.create({ properties: { ...objects[type].make(++made), ...properties }, associations });

/** The properties of a minimal record that nothing else has. */
export const minimal = (type) => objects[type].make(++made);
