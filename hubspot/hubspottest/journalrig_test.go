package hubspottest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"testing"
)

// reader is the app with client credentials.
type reader struct {
	*rig
	access string
}

func newReader(t *testing.T, o Options) *reader {
	o.Clock, o.Burst, o.SearchLag = stopped, -1, -1
	r := newRig(t, &o)
	out := r.token("grant_type", "client_credentials", "scope", "developer.webhooks_journal.read "+
		"developer.webhooks_journal.subscriptions.read developer.webhooks_journal.subscriptions.write developer.webhooks_journal.snapshots.write")
	if out["refresh_token"] != nil || out["token_use"] != "client_credentials" {
		t.Fatalf("token: %v", out)
	}
	return &reader{r, out["access_token"].(string)}
}

func (r *reader) ask(want int, method, path, body string) doc {
	r.t.Helper()
	status, _, out := r.callAs(r.access, method, path, body)
	if status != want {
		r.t.Fatalf("%s %s: %d %v", method, path, status, out)
	}
	return out
}

// follow subscribes to an object type of the first account.
func (r *reader) follow(objectType, actions, more string) string {
	r.t.Helper()
	out := r.ask(200, "POST", subsPath, fmt.Sprintf(`{"subscriptionType":"OBJECT","portalId":%d,"objectTypeId":%q,"actions":[%s]%s}`, r.PortalID, objectType, actions, more))
	return fmt.Sprintf("%.0f", out["id"])
}

// open fetches a file by its reference, without a token.
func (r *reader) open(ref doc) doc {
	r.t.Helper()
	status, text := r.get(ref["url"].(string))
	var file doc
	if err := json.Unmarshal([]byte(text), &file); status != 200 || err != nil {
		r.t.Fatalf("%d %s", status, text)
	}
	return file
}

func (r *reader) get(address string) (int, string) {
	r.t.Helper()
	resp, err := r.Client().Get(address)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// walk reads a journal from behind an offset ("" from the start) to its end.
func (r *reader) walk(base, offset, query string) (events []doc, last string) {
	r.t.Helper()
	for {
		path := base + "/earliest" + query
		if offset != "" {
			path = base + "/offset/" + offset + "/next" + query
		}
		status, _, ref := r.callAs(r.access, "GET", path, "")
		if status == 204 {
			return events, offset
		}
		if status != 200 {
			r.t.Fatalf("%s: %d %v", path, status, ref)
		}
		file := r.open(ref)
		if file["offset"] != ref["currentOffset"] {
			r.t.Errorf("file %v behind %v", file["offset"], ref["currentOffset"])
		}
		for _, e := range file["journalEvents"].([]any) {
			events = append(events, e.(doc))
		}
		offset = ref["currentOffset"].(string)
	}
}

// noted is a journal event as one line.
func noted(e doc) string {
	line := fmt.Sprintf("%v %v %.0f", e["action"], e["objectTypeId"], e["objectId"])
	changes, _ := e["propertyChanges"].(doc)
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		line += fmt.Sprintf(" %s=%v", name, changes[name])
	}
	if ids, merged := e["mergedObjectIds"].([]any); merged {
		line += fmt.Sprintf(" merged %.0f", ids[0])
	}
	return line
}

func (r *reader) noted() []string {
	r.t.Helper()
	events, _ := r.walk(journalPath, "", "")
	lines := []string{}
	for _, e := range events {
		lines = append(lines, noted(e))
	}
	return lines
}

// renew gets a token again, as readers do every half hour.
func (r *reader) renew() {
	r.t.Helper()
	r.access = r.token("grant_type", "client_credentials", "scope", "developer.webhooks_journal.read")["access_token"].(string)
}

// text gets an answer that is no JSON object.
func (r *reader) text(path string) string {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.URL+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.access)
	resp, err := r.Client().Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(body)
}
