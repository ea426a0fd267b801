// Runs one part after the other; each one's steps use records of their own. Started by main.go.
const parts = ["errors", "objects", "batches", "search", "associations", "schema", "pipelines", "oauth", "webhooks", "journal", "events", "actions"];
for (const part of parts) {
  await import(`./${part}.mjs`);
}
