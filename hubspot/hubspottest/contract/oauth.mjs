// OAuth: tokens for a code and for a refresh token, what they are, their end, and the app's own token.
import assert from "node:assert/strict";
import { account, clientOf, create, form, hubspot, refusal, step } from "./harness.mjs";

const { tokensApi, accessTokensApi, refreshTokensApi } = hubspot.oauth;
const { clientId, clientSecret } = account;
const redirect = "https://sync.example.com/oauth";

let tokens;

await step("the address where a person allows the app", async () => {
  const url = new URL(hubspot.oauth.getAuthorizationUrl(clientId, redirect, "crm.objects.contacts.read"));
  assert.equal(url.searchParams.get("client_id"), clientId);
});

await step("tokens for a code", async () => {
  tokens = await tokensApi.create("authorization_code", account.code, redirect, clientId, clientSecret);
  assert.equal(tokens.tokenType, "bearer");
  assert.equal(tokens.expiresIn, 1800);
  assert.ok(tokens.refreshToken);
});

await step("a code works once", async () => {
  const { code, body } = await refusal(tokensApi.create("authorization_code", account.code, redirect, clientId, clientSecret));
  assert.deepEqual([code, body.status], [400, "BAD_AUTH_CODE"]);
});

await step("calls with the access token", async () => {
  const { id } = await create("contacts");
  const { crm } = clientOf({ accessToken: tokens.accessToken });
  assert.equal((await crm.contacts.basicApi.getById(id)).id, id);
});

await step("a new access token for the refresh token", async () => {
  const renewed = await tokensApi.create("refresh_token", undefined, undefined, clientId, clientSecret, tokens.refreshToken);
  assert.notEqual(renewed.accessToken, tokens.accessToken);
  tokens = { ...tokens, accessToken: renewed.accessToken };
});

await step("what an access token is", async () => {
  const info = await accessTokensApi.get(tokens.accessToken);
  assert.equal(info.hubId, account.portalId);
  assert.equal(info.appId, account.appId);
  assert.ok(info.scopes.includes("crm.objects.contacts.read"));
});

await step("what a refresh token is", async () => {
  const info = await refreshTokensApi.get(tokens.refreshToken);
  assert.equal(info.hubId, account.portalId);
  assert.equal(info.clientId, clientId);
});

await step("introspection in the later versions", async () => {
  for (const version of ["v3", "2026-03", "2026-09"]) {
    const { status, body } = await form(`/oauth/${version}/token/introspect`, { token: tokens.accessToken });
    assert.deepEqual([status, body.active, body.hub_id], [200, true, account.portalId]);
  }
});

await step("the app's own token, which is not for records", async () => {
  const { status, body } = await form("/oauth/2026-09/token", { grant_type: "client_credentials", scope: "developer.webhooks_journal.read" });
  assert.equal(status, 200);
  const { code } = await refusal(clientOf({ accessToken: body.access_token }).crm.contacts.basicApi.getPage(1));
  assert.equal(code, 403);
});

await step("a refresh token that was deleted", async () => {
  await refreshTokensApi.archive(tokens.refreshToken);
  const { code, body } = await refusal(tokensApi.create("refresh_token", undefined, undefined, clientId, clientSecret, tokens.refreshToken));
  assert.deepEqual([code, body.status], [400, "BAD_REFRESH_TOKEN"]);
});

await step("a wrong client secret", async () => {
  const { code, body } = await refusal(tokensApi.create("refresh_token", undefined, undefined, clientId, "wrong", "x"));
  assert.deepEqual([code, body.status], [400, "BAD_CLIENT_SECRET"]);
});
