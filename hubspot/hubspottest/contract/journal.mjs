// The webhooks journal, for which the client has no methods: subscribe, write, read the file that tells of it.
import assert from "node:assert/strict";
import { account, clientOf, create, form, hubspot, raw, step } from "./harness.mjs";

const scope = ["read", "subscriptions.read", "subscriptions.write"].map((s) => `developer.webhooks_journal.${s}`).join(" ");
const { body: token } = await form("/oauth/2026-09/token", { grant_type: "client_credentials", scope });
const app = clientOf({ accessToken: token.access_token });
const journal = (method, path, body) => raw(method, `/webhooks-journal/${path}`, body, app);

let subscription, note;

await step("subscribe to the notes of an account", async () => {
  const made = await journal("POST", "subscriptions/2026-09", {
    subscriptionType: "OBJECT", objectTypeId: "0-46", portalId: account.portalId, actions: ["CREATE", "UPDATE", "DELETE"],
  });
  assert.equal(made.status, 200);
  subscription = made.body.id;
  const { body } = await journal("GET", "subscriptions/2026-09");
  assert.deepEqual(body.results.map((s) => s.id), [subscription]);
});

await step("read what happened, from a signed address", async () => {
  note = await create("notes");
  const { status, body } = await journal("GET", "journal/2026-09/latest");
  assert.equal(status, 200);
  const file = await (await fetch(body.url)).json();
  assert.equal(file.offset, body.currentOffset);
  const event = file.journalEvents.find((e) => String(e.objectId) === note.id && e.action === "CREATE");
  assert.deepEqual([event.type, event.objectTypeId, event.portalId], ["crmObject", "0-46", account.portalId]);
});

await step("read on from an offset until there is no more", async () => {
  const { body: { currentOffset } } = await journal("GET", "journal/2026-03/latest");
  assert.equal((await journal("GET", `journal/2026-03/offset/${currentOffset}/next`)).status, 204);
  await hubspot.crm.objects.notes.basicApi.archive(note.id);
  const { status, body } = await journal("GET", `journal/2026-03/offset/${currentOffset}/next`);
  assert.equal(status, 200);
  const { journalEvents } = await (await fetch(body.url)).json();
  assert.deepEqual(journalEvents.map((e) => [String(e.objectId), e.action]), [[note.id, "DELETE"]]);
});

await step("unsubscribe", async () => {
  assert.equal((await journal("DELETE", `subscriptions/2026-09/${subscription}`)).status, 204);
});
