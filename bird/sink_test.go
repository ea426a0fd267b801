package bird_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/urbanhub/crmsync/bird"
	"github.com/urbanhub/crmsync/bird/birdtest"
	"github.com/urbanhub/crmsync/sync"
)

func field(t *testing.T, s *birdtest.Server, id, name string) any {
	t.Helper()
	c, ok := s.Contact(id)
	if !ok {
		t.Fatalf("no contact %s", id)
	}
	return c.Field(name)
}

func TestKeyedWriteCreatesOnce(t *testing.T) {
	s, a := connect(t, nil)
	w := sync.Write{Ref: ref(""), Key: "external_id", Fields: sync.Fields{
		"external_id": sync.Text("901"), "email": sync.Text("jane@example.com"), "msisdn": sync.Text("+573000000001"),
		"name": sync.Text("Jane Doe"), "attributes.budget": sync.Text("1500.50"), "property_interest": sync.List("loft", "patio"),
	}}
	first := apply(t, a, w)
	if first.Err != nil || !first.Created || first.Call == "" {
		t.Fatalf("%+v", first)
	}
	second := apply(t, a, w)
	if second.Err != nil || second.Created || second.Record.ID != first.Record.ID {
		t.Fatalf("%+v", second)
	}
	id := first.Record.ID
	equal(t, "contacts", len(s.Contacts()), 1)
	for name, want := range map[string]any{"external_id": "901", "email": "jane@example.com", "msisdn": "+573000000001",
		"name": "Jane Doe", "budget": 1500.5, "property_interest": []any{"loft", "patio"}} {
		equal(t, name, field(t, s, id, name), want)
		equal(t, "writes to "+name, s.WriteCount(id, name), 1)
	}
	equal(t, "the answer", first.Record.Fields["property_interest"], sync.List("loft", "patio"))
}

func TestKeyedWriteByEmailSendsTheRawSign(t *testing.T) {
	s, a := connect(t, nil)
	res := apply(t, a, sync.Write{Ref: ref(""), Key: "email", Fields: sync.Fields{"email": sync.Text("jane+1@example.com")}})
	if res.Err != nil || !res.Created {
		t.Fatalf("%+v", res)
	}
	equal(t, "email", field(t, s, res.Record.ID, "email"), any("jane+1@example.com"))
}

// TestKeyedWriteOnAnExistingContact must show the phone written, not the one
// that was there before.
func TestKeyedWriteOnAnExistingContact(t *testing.T) {
	s, a := connect(t, nil)
	id := create(t, s, map[string]any{"external_id": "901", "msisdn": "+573000000001", "email": "old@example.com"})
	res := apply(t, a, sync.Write{Ref: ref(""), Key: "external_id", Fields: sync.Fields{
		"external_id": sync.Text("901"), "msisdn": sync.Text("+573000000002"), "email": sync.Text("")}})
	if res.Err != nil || res.Created || res.Record.ID != id {
		t.Fatalf("%+v", res)
	}
	equal(t, "cleared", field(t, s, id, "email"), nil)
	equal(t, "msisdn", field(t, s, id, "msisdn"), any("+573000000002"))
	equal(t, "answer", res.Record.Fields["msisdn"], sync.Text("+573000000002"))
}

func TestUpdateReplacesAndClears(t *testing.T) {
	s, a := connect(t, nil)
	id := create(t, s, map[string]any{"msisdn": "+573000000001", "email": "old@example.com", "name": "Jane", "property_interest": "loft"})
	res := apply(t, a, sync.Write{Ref: ref(id), Fields: sync.Fields{
		"msisdn": sync.Text("+573000000002"), "email": sync.Value{}, "property_interest": sync.Text(""), "external_id": sync.Text("901")}})
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	want := sync.Fields{"id": sync.Text(id), "msisdn": sync.Text("+573000000002"), "name": sync.Text("Jane"), "external_id": sync.Text("901")}
	equal(t, "answer", res.Record.Fields, want)
	read, err := a.Read(context.Background(), bird.Contact, []string{id})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "read back", read[0].Fields, want)
	if !read[0].UpdatedAt.Equal(res.Record.UpdatedAt) {
		t.Error("the answer's UpdatedAt differs from the read one")
	}
}

// TestUpdateOfAMergedContact has two phones; the one written must be the one
// read, whichever the merge left behind.
func TestUpdateOfAMergedContact(t *testing.T) {
	s, a := connect(t, nil)
	loser := create(t, s, map[string]any{"msisdn": "+573000000001"})
	id := create(t, s, map[string]any{"msisdn": "+573000000002"})
	if err := s.Merge(loser, id); err != nil {
		t.Fatal(err)
	}
	for _, phone := range []string{"+573000000003", "+573000000001", "+573000000004"} {
		res := apply(t, a, sync.Write{Ref: ref(id), Fields: sync.Fields{"msisdn": sync.Text(phone)}})
		if res.Err != nil {
			t.Fatal(res.Err)
		}
		equal(t, "answer", res.Record.Fields["msisdn"], sync.Text(phone))
		read, err := a.Read(context.Background(), bird.Contact, []string{id})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "read back", read[0].Fields["msisdn"], sync.Text(phone))
	}
	res := apply(t, a, sync.Write{Ref: ref(id), Fields: sync.Fields{"msisdn": sync.Value{}}})
	equal(t, "cleared", res.Record.Fields, sync.Fields{"id": sync.Text(id)})
}

// TestIdentifiersJustReadAreNotReadAgain counts the GETs, which are scarce.
func TestIdentifiersJustReadAreNotReadAgain(t *testing.T) {
	s, a := connect(t, nil)
	id := create(t, s, map[string]any{"msisdn": "+573000000001"})
	gets := func() int { return s.Log().Count(func(c birdtest.Call) bool { return c.Method == "GET" }) }
	write := func(phone string) {
		if res := apply(t, a, sync.Write{Ref: ref(id), Fields: sync.Fields{"msisdn": sync.Text(phone)}}); res.Err != nil {
			t.Fatal(res.Err)
		}
		c, _ := s.Contact(id)
		equal(t, "phones", []any{len(c.Identifiers), c.Field("msisdn")}, []any{1, phone})
	}
	write("+573000000002")
	equal(t, "never seen", gets(), 1)
	write("+573000000003")
	equal(t, "seen in the last answer", gets(), 1)
	if err := s.Edit(id, map[string]any{"msisdn": "+573000000004"}); err != nil {
		t.Fatal(err)
	}
	write("+573000000004")
	write("+573000000003")
	equal(t, "the wish was there already", gets(), 1)
	if err := s.Edit(id, map[string]any{"msisdn": "+573000000005"}); err != nil {
		t.Fatal(err)
	}
	write("+573000000003")
	equal(t, "a wish that seems fulfilled is looked at", gets(), 2)
}

func TestATakenIdentifierNamesItsHolder(t *testing.T) {
	s, a := connect(t, nil)
	holder := create(t, s, map[string]any{"email": "jane@example.com"})
	other := create(t, s, map[string]any{"msisdn": "+573000000001"})
	for _, w := range []sync.Write{
		{Ref: ref(other), Fields: sync.Fields{"email": sync.Text("jane@example.com")}},
		{Ref: ref(""), Key: "msisdn", Fields: sync.Fields{"msisdn": sync.Text("+573000000001"), "email": sync.Text("jane@example.com")}},
	} {
		e := failure(t, apply(t, a, w).Err, sync.Conflict)
		equal(t, "existing", e.Existing, ref(holder))
		equal(t, "field", e.Field, "email")
	}
}

func TestWritesThatCannotBeMade(t *testing.T) {
	s, a := connect(t, nil)
	id := create(t, s, map[string]any{"name": "Jane"})
	gone := "00000000-0000-4000-8000-000000000000"
	for name, tt := range map[string]struct {
		w      sync.Write
		action sync.Action
		rule   string
	}{
		"id":            {sync.Write{Ref: ref(id), Fields: sync.Fields{"id": sync.Text("x")}}, sync.Invalid, "id.given"},
		"type":          {sync.Write{Ref: ref(id), Fields: sync.Fields{"attributes.budget": sync.Text("much")}}, sync.Invalid, "attribute.number"},
		"unknown":       {sync.Write{Ref: ref(gone), Fields: sync.Fields{"name": sync.Text("x")}}, sync.NotFound, "contact.exists"},
		"unknown phone": {sync.Write{Ref: ref(gone), Fields: sync.Fields{"msisdn": sync.Text("+573000000001")}}, sync.NotFound, "contact.exists"},
		"no key":        {sync.Write{Ref: ref(""), Fields: sync.Fields{"name": sync.Text("x")}}, sync.Fatal, "key.identifier"},
		"attribute key": {sync.Write{Ref: ref(""), Key: "name", Fields: sync.Fields{"name": sync.Text("x")}}, sync.Fatal, "key.identifier"},
		"blank key":     {sync.Write{Ref: ref(""), Key: "external_id", Fields: sync.Fields{}}, sync.Invalid, "key.present"},
		"slash in key":  {sync.Write{Ref: ref(""), Key: "external_id", Fields: sync.Fields{"external_id": sync.Text("a/b")}}, sync.Invalid, "key.literal"},
		"dots in key":   {sync.Write{Ref: ref(""), Key: "external_id", Fields: sync.Fields{"external_id": sync.Text("..")}}, sync.Invalid, "key.literal"},
		"kind":          {sync.Write{Ref: sync.Ref{System: bird.System, Kind: "deal", ID: "1"}}, sync.Fatal, "kind.known"},
	} {
		e := failure(t, apply(t, a, tt.w).Err, tt.action)
		equal(t, name, e.Rule, tt.rule)
	}
	equal(t, "contacts", len(s.Contacts()), 1)
}

func TestABadWriteSparesItsNeighbours(t *testing.T) {
	s, a := connect(t, nil)
	id := create(t, s, map[string]any{"name": "Jane"})
	results, err := a.Apply(context.Background(), []sync.Write{
		{Ref: ref(id), Fields: sync.Fields{"name": sync.Text("One")}},
		{Ref: ref(""), Key: "external_id", Fields: sync.Fields{"external_id": sync.Text("901"), "email": sync.Text("none")}},
		{Ref: ref(id), Fields: sync.Fields{"name": sync.Text("Two")}},
		{Ref: ref(""), Key: "external_id", Fields: sync.Fields{"external_id": sync.Text("902")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "outcomes", []bool{results[0].Err == nil, results[1].Err == nil, results[2].Err == nil, results[3].Created}, []bool{true, false, true, true})
	equal(t, "two writes to one contact keep their order", field(t, s, id, "name"), any("Two"))
}

func TestSnapshots(t *testing.T) {
	s, a := connect(t, nil)
	id := create(t, s, map[string]any{"name": "Jane"})
	before := time.Now()
	if _, ok := a.Snapshot(ref(id), time.Time{}); ok {
		t.Fatal("a snapshot of what was never seen")
	}
	if _, err := a.Read(context.Background(), bird.Contact, []string{id}); err != nil {
		t.Fatal(err)
	}
	snap, ok := a.Snapshot(ref(id), before)
	equal(t, "after a read", ok, true)
	equal(t, "name", snap.Fields["name"], sync.Text("Jane"))
	snap.Fields["name"] = sync.Text("changed by the caller")
	if _, ok := a.Snapshot(ref(id), time.Now().Add(time.Hour)); ok {
		t.Error("an old snapshot passed for a new one")
	}
	apply(t, a, sync.Write{Ref: ref(id), Fields: sync.Fields{"name": sync.Text("Janet")}})
	snap, _ = a.Snapshot(ref(id), before)
	equal(t, "after a write", snap.Fields["name"], sync.Text("Janet"))
	if _, ok := a.Snapshot(sync.Ref{System: "other", Kind: bird.Contact, ID: id}, before); ok {
		t.Error("a snapshot of another system's record")
	}
}

// TestAnUnknownOutcomeForgetsTheSnapshot lets writes take effect without an
// answer: what was known before is then wrong.
func TestAnUnknownOutcomeForgetsTheSnapshot(t *testing.T) {
	for name, w := range map[string]sync.Write{
		"by id":  {Fields: sync.Fields{"name": sync.Text("Janet")}},
		"by key": {Key: "external_id", Fields: sync.Fields{"external_id": sync.Text("901"), "name": sync.Text("Janet")}},
	} {
		s, a := connect(t, nil)
		id := create(t, s, map[string]any{"name": "Jane", "external_id": "901"})
		if _, err := a.Read(context.Background(), bird.Contact, []string{id}); err != nil {
			t.Fatal(err)
		}
		w.Ref = ref("")
		if w.Key == "" {
			w.Ref = ref(id)
		}
		s.Faults().Add(birdtest.Fault{Method: "PATCH", DropAfter: true})
		failure(t, apply(t, a, w).Err, sync.Retry)
		equal(t, "the write took effect", field(t, s, id, "name"), any("Janet"))
		if snap, ok := a.Snapshot(ref(id), time.Time{}); ok {
			t.Errorf("%s: still knows a %s", name, snap.Fields["name"].Shape())
		}
	}
}

// TestAReadDuringALostWriteIsNotBelieved sends a read while a write is under
// way that will take effect without an answer.
func TestAReadDuringALostWriteIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := birdtest.NewPipeServer(nil)
		defer s.Close()
		a := attach(t, s)
		id := create(t, s, map[string]any{"name": "Jane"})
		s.Faults().Add(birdtest.Fault{Method: "PATCH", Delay: time.Second, DropAfter: true})
		written := make(chan []sync.Result)
		go func() {
			results, _ := a.Apply(t.Context(), []sync.Write{{Ref: ref(id), Fields: sync.Fields{"name": sync.Text("Janet")}}})
			written <- results
		}()
		time.Sleep(time.Second / 2)
		if _, err := a.Read(t.Context(), bird.Contact, []string{id}); err != nil {
			t.Fatal(err)
		}
		failure(t, (<-written)[0].Err, sync.Retry)
		equal(t, "in Bird", field(t, s, id, "name"), any("Janet"))
		if _, ok := a.Snapshot(ref(id), time.Time{}); ok {
			t.Error("still knows the state before the write")
		}
	})
}
