package hubspot

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/urbanhub/crmsync/sync"
)

func newNote(related ...string) sync.Write {
	w := sync.Write{Ref: objectTypes[Note].ref(""), Fields: sync.Fields{"hs_timestamp": sync.Text("2026-11-02T10:00:00Z")}}
	for _, id := range related {
		w.Related = append(w.Related, objectTypes[Contact].ref(id))
	}
	return w
}

// Whether a record was created that an answer passes over is unknown: nothing
// pretends that creating it again would be harmless.
func TestACreationThatIsPassedOver(t *testing.T) {
	a := scripted(t, func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"results":[{"id":"71","objectWriteTraceId":"w1"}]}`))
	})
	res, err := a.Apply(t.Context(), []sync.Write{newNote(), newNote()})
	if err != nil {
		t.Fatal(err)
	}
	if e := asError(res[0].Err); e == nil || e.Action != sync.Retry || strings.Contains(e.Hint, "harmless") {
		t.Errorf("got %v", res[0].Err)
	}
	if res[1].Err != nil || res[1].Record.ID != "71" || !res[1].Created {
		t.Errorf("got %+v", res[1])
	}
}

// An account that refuses a whole call for one association names the record.
func TestARefusalNamesTheRelatedRecord(t *testing.T) {
	calls := 0
	a := scripted(t, func(w http.ResponseWriter, _ *http.Request, body []byte) {
		calls++
		if strings.Contains(string(body), `"404404"`) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"status":"error","category":"VALIDATION_ERROR","message":"One or more associations are invalid",
				"context":{"INVALID_OBJECT_IDS":["CONTACT=404404 is not valid"],"objectId":["404404"],"objectType":["CONTACT"]}}`))
			return
		}
		var req batchWrite
		_ = json.Unmarshal(body, &req)
		var reply batchReply
		for i, in := range req.Inputs {
			reply.Results = append(reply.Results, object{ID: fmt.Sprint(70 + i), TraceID: in.TraceID})
		}
		_ = json.NewEncoder(w).Encode(reply)
	})
	res, err := a.Apply(t.Context(), []sync.Write{newNote("1"), newNote("1", "404404"), newNote("2")})
	if err != nil {
		t.Fatal(err)
	}
	if e := asError(res[1].Err); e == nil || e.Action != sync.NotFound || e.Ref != objectTypes[Contact].ref("404404") {
		t.Errorf("got %v", res[1].Err)
	}
	if res[0].Err != nil || res[2].Err != nil || calls != 2 {
		t.Errorf("got %v, %v by %d calls", res[0].Err, res[2].Err, calls)
	}
}

// Associations that are refused as a whole, or by an error that names nobody,
// are tried in parts; the good ones are made.
func TestAssociationsAreTriedInParts(t *testing.T) {
	for _, status := range []int{http.StatusBadRequest, http.StatusMultiStatus} {
		made := map[string]bool{}
		a := scripted(t, func(w http.ResponseWriter, r *http.Request, body []byte) {
			if !strings.Contains(r.URL.Path, "/associations/") {
				var req batchWrite
				_ = json.Unmarshal(body, &req)
				var reply batchReply
				for _, in := range req.Inputs {
					reply.Results = append(reply.Results, object{ID: in.ID})
				}
				_ = json.NewEncoder(w).Encode(reply)
				return
			}
			var req pairsRequest
			_ = json.Unmarshal(body, &req)
			if strings.Contains(string(body), `"66"`) {
				w.WriteHeader(status)
				_, _ = w.Write([]byte(`{"category":"VALIDATION_ERROR","message":"no","errors":[{"category":"VALIDATION_ERROR","message":"no"}]}`))
				return
			}
			for _, in := range req.Inputs {
				made[in.From.ID+" "+in.To.ID] = true
			}
			_, _ = w.Write([]byte(`{"results":[]}`))
		})
		var writes []sync.Write
		for _, to := range []string{"61", "62", "66", "67"} {
			w := update("1"+to, sync.Fields{"firstname": sync.Text("Ada")})
			w.Related = []sync.Ref{objectTypes[Deal].ref(to)}
			writes = append(writes, w)
		}
		res, err := a.Apply(t.Context(), writes)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range res {
			if e := asError(r.Err); (e != nil) != (i == 2) || e != nil && (e.Action != sync.Invalid || e.Ref != writes[i].Ref) {
				t.Errorf("%d: write %d: %v", status, i, r.Err)
			}
		}
		if len(made) != 3 || !made["167 67"] {
			t.Errorf("%d: made %v", status, made)
		}
	}
}

// An association that cannot be read is not taken for one that does not exist.
func TestRelatedTellsFaults(t *testing.T) {
	for body, want := range map[string]sync.Action{
		`{"errors":[{"category":"OBJECT_NOT_FOUND","subCategory":"crm.associations.NO_ASSOCIATIONS_FOUND"}]}`: 0,
		`{"errors":[{"category":"INTERNAL_ERROR"}]}`:                                                          sync.Retry,
	} {
		a := scripted(t, func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.WriteHeader(http.StatusMultiStatus)
			_, _ = w.Write([]byte(body))
		})
		refs, err := a.Related(t.Context(), objectTypes[Contact].ref("1"), Note)
		if len(refs) > 0 || (err == nil) != (want == 0) || err != nil && sync.ActionOf(err) != want {
			t.Errorf("%s: %v, %v", body, refs, err)
		}
	}
}

// Two errors about one record do not make it two records.
func TestARecordThatIsBlamedTwiceIsSentOnce(t *testing.T) {
	var sizes []int
	a := scripted(t, func(w http.ResponseWriter, _ *http.Request, body []byte) {
		var req batchWrite
		_ = json.Unmarshal(body, &req)
		sizes = append(sizes, len(req.Inputs))
		const gone = `{"category":"VALIDATION_ERROR","message":"no","context":{"objectWriteTraceId":["w0"]},
			"errors":[{"code":"PROPERTY_DOESNT_EXIST","context":{"propertyName":["%s"]}}]}`
		w.WriteHeader(http.StatusMultiStatus)
		if len(sizes) == 1 {
			_, _ = fmt.Fprintf(w, `{"results":[],"errors":[`+gone+`,`+gone+`]}`, "one", "two")
			return
		}
		_, _ = fmt.Fprint(w, `{"results":[{"id":"71","objectWriteTraceId":"w0"}]}`)
	})
	note := newNote()
	note.Fields["one"], note.Fields["two"] = sync.Text("1"), sync.Text("2")
	res, err := a.Apply(t.Context(), []sync.Write{note})
	if err != nil || res[0].Err != nil || len(res[0].Dropped) != 2 {
		t.Errorf("got %+v, %v", res, err)
	}
	if !slices.Equal(sizes, []int{1, 1}) {
		t.Errorf("calls with %v records", sizes)
	}
}

// An error that names nobody, beside results that name nobody: which records
// were made is unknown, so none is made again.
func TestCreationsAreNotRepeatedInTheDark(t *testing.T) {
	calls := 0
	a := scripted(t, func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		calls++
		w.WriteHeader(http.StatusMultiStatus)
		_, _ = fmt.Fprint(w, `{"results":[{"id":"71"}],"errors":[{"category":"VALIDATION_ERROR","message":"no"}]}`)
	})
	res, err := a.Apply(t.Context(), []sync.Write{newNote(), newNote()})
	if err != nil || calls != 1 {
		t.Errorf("%d calls, %v", calls, err)
	}
	for i, r := range res {
		if sync.ActionOf(r.Err) != sync.Retry {
			t.Errorf("write %d: %+v", i, r)
		}
	}
}

// The key of an update tells nothing: it is a field like the others.
func TestAnUpdateNeedsNoKey(t *testing.T) {
	a := scripted(t, func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		_, _ = fmt.Fprint(w, `{"results":[{"id":"5","objectWriteTraceId":"w0"}]}`)
	})
	a.degraded.set(Contact, "k", "PROPERTY_DOESNT_EXIST")
	w := update("5", sync.Fields{"k": sync.Text("1"), "email": sync.Text("ada@example.com")})
	w.Key = "k"
	res, err := a.Apply(t.Context(), []sync.Write{w})
	if err != nil || res[0].Err != nil || res[0].Dropped["k"] == "" {
		t.Errorf("got %+v, %v", res, err)
	}
}

// A new record whose only field is its id has nothing to say.
func TestACreationOfNothingSpoilsNoBatch(t *testing.T) {
	a := scripted(t, func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		_, _ = fmt.Fprint(w, `{"results":[{"id":"71","objectWriteTraceId":"w0"}]}`)
	})
	empty := sync.Write{Ref: objectTypes[Contact].ref(""), Fields: sync.Fields{sync.IDField: sync.Text("7")}}
	full := sync.Write{Ref: objectTypes[Contact].ref(""), Fields: sync.Fields{"email": sync.Text("ada@example.com")}}
	res, err := a.Apply(t.Context(), []sync.Write{empty, full})
	if err != nil || sync.ActionOf(res[0].Err) != sync.Invalid || res[1].Err != nil {
		t.Errorf("got %+v, %v", res, err)
	}
}
