package sync

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMessageItem(t *testing.T) {
	ref := Ref{System: "alpha", Kind: "contact", ID: "1"}
	for _, item := range []Item{
		Change{ID: "c", Ref: ref, Reason: ReasonManual, Priority: Sweep},
		Fact{ID: "f", Type: "tour.scheduled", Subject: ref, Data: map[string]any{"at": "noon"}},
	} {
		msgs, err := item.messages(time.Unix(1, 0), "")
		if err != nil {
			t.Fatal(err)
		}
		got, err := msgs[len(msgs)-1].Item()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(item, got); diff != "" {
			t.Errorf("the item of its own message (-want +got):\n%s", diff)
		}
	}
	if _, err := (Message{Payload: []byte("{}")}).Item(); ActionOf(err) != Fatal {
		t.Errorf("a foreign message gives %v, want a fatal error", err)
	}
}

func TestFailureNamesRuleAndField(t *testing.T) {
	err := &Error{Op: "map", Action: Invalid, Rule: "phone.digits", Field: "phone", Err: errors.New("no phone")}
	s := Backoff{}.withDefaults().settle(Lane{}, err, time.Unix(1, 0))
	want := Failure{At: time.Unix(1, 0), Action: "invalid", Error: err.Error(), Rule: "phone.digits", Field: "phone"}
	if diff := cmp.Diff(want, s.cause); diff != "" {
		t.Errorf("the failure (-want +got):\n%s", diff)
	}
}
