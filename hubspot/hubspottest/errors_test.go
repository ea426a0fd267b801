package hubspottest

import (
	"encoding/json"
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

// TestErrorsLikeTheVendors provokes each known refusal and compares it with the recorded body, ids and numbers aside.
func TestErrorsLikeTheVendors(t *testing.T) {
	var golden []struct {
		Name   string
		Status int
		Body   doc
	}
	readJSON(t, "testdata/error_bodies.json", &golden)
	byName := map[string]int{}
	for i, g := range golden {
		byName[g.Name] = i
	}
	const id = `{"inputs":[{"id":"a@example.com"},{"id":"b@example.com"}]}`
	provoke := map[string]func(r *rig) (int, doc){
		"conflict_contact_create": func(r *rig) (int, doc) {
			return r.call("POST", contactsPath, `{"properties":{"email":"a@example.com"}}`)
		},
		"conflict_email_on_write": func(r *rig) (int, doc) {
			return r.call("PATCH", contactsPath+"/"+r.Create(nil), `{"properties":{"email":"a@example.com"}}`)
		},
		"property_doesnt_exist": func(r *rig) (int, doc) {
			return r.call("POST", contactsPath, `{"properties":{"testproperty":"1"}}`)
		},
		"batch_read_not_found": func(r *rig) (int, doc) { return r.call("POST", contactsPath+"/batch/read", id) },
		"unauthenticated": func(r *rig) (int, doc) {
			status, _, body := r.callAs("wrong", "GET", contactsPath, "")
			return status, body
		},
		"object_not_found_non_numeric": func(r *rig) (int, doc) { return r.call("GET", contactsPath+"/abc", "") },
		"resource_not_found":           func(r *rig) (int, doc) { return r.call("GET", contactsPath+"/1", "") },
		"expired_token":                func(r *rig) (int, doc) { return r.struck(Expired()) },
		"missing_scopes":               func(r *rig) (int, doc) { return r.struck(MissingScopes("crm.objects.deals.read")) },
		"burst_limit":                  func(r *rig) (int, doc) { return r.exhaust(Options{Burst: 1}, "") },
		"daily_limit":                  func(r *rig) (int, doc) { return r.exhaust(Options{Daily: 1}, "") },
		"search_limit":                 func(r *rig) (int, doc) { return r.exhaust(Options{SearchPerSecond: 1}, "/search") },
	}
	for name, f := range provoke {
		t.Run(name, func(t *testing.T) {
			i, known := byName[name]
			if !known {
				t.Fatal("not among the recorded bodies")
			}
			r := newRig(t, nil)
			r.Create(map[string]string{"email": "a@example.com"})
			if name == "batch_read_not_found" {
				r = newRig(t, nil)
			}
			status, body := f(r)
			if status != golden[i].Status {
				t.Errorf("status %d, want %d", status, golden[i].Status)
			}
			if diff := cmp.Diff(blank(golden[i].Body), blank(body)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// struck makes a call that meets a fault.
func (r *rig) struck(f Fault) (int, doc) {
	r.Faults().Add(f)
	return r.call("GET", contactsPath, "")
}

// exhaust makes two calls to an account that allows one.
func (r *rig) exhaust(o Options, path string) (int, doc) {
	o.Clock = stopped // or the second call may come when the first is forgotten
	small := newRig(r.t, &o)
	small.call("POST", contactsPath+path, "{}")
	return small.call("POST", contactsPath+path, "{}")
}

var numbers = regexp.MustCompile(`\d+`)

// blank takes out what differs from one answer to the next: ids, times and correlation ids.
func blank(x any) any {
	switch x := x.(type) {
	case doc:
		out := doc{}
		for k, v := range x {
			switch k {
			case "correlationId":
				out[k] = len(v.(string)) == 36
			case "requestId", "requestedAt", "startedAt", "completedAt":
			default:
				out[k] = blank(v)
			}
		}
		return out
	case []any:
		out := []any{}
		for _, v := range x {
			out = append(out, blank(v))
		}
		return out
	case string:
		return numbers.ReplaceAllString(x, "N")
	}
	return x
}

func TestCorrelationIDIsInHeaderAndBody(t *testing.T) {
	r := newRig(t, nil)
	_, header, body := r.callAs(r.Token, "GET", contactsPath+"/1", "")
	if got := header.Get("x-hubspot-correlation-id"); got == "" || got != body["correlationId"] {
		t.Errorf("header %q, body %v", got, body["correlationId"])
	}
}
