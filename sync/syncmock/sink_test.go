package syncmock_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/mock/gomock"

	"github.com/urbanhub/crmsync/sync"
	"github.com/urbanhub/crmsync/sync/syncmock"
)

// A pilot is a sink of the host that lets only the records of a pilot group
// be written, for a gradual rollout.
type pilot struct {
	sync.Sink
	ids []string
}

// Apply passes on the writes to the group and refuses the others.
func (p pilot) Apply(ctx context.Context, writes []sync.Write) ([]sync.Result, error) {
	results := make([]sync.Result, len(writes))
	for i, w := range writes {
		if !slices.Contains(p.ids, w.Ref.ID) {
			results[i].Err = &sync.Error{Op: "pilot", Action: sync.Denied, Ref: w.Ref, Rule: "pilot.member"}
			continue
		}
		one, err := p.Sink.Apply(ctx, writes[i:i+1])
		if err != nil {
			return nil, err
		}
		results[i] = one[0]
	}
	return results, nil
}

// TestPilot shows the wrapped sink getting the one write that may pass.
func TestPilot(t *testing.T) {
	sink := syncmock.NewMockSink(gomock.NewController(t))
	write := func(id string) sync.Write {
		ref := sync.Ref{System: "crm", Kind: "contact", ID: id}
		return sync.Write{Ref: ref, Fields: sync.Fields{"email": sync.Text(id + "@example.com")}}
	}
	sink.EXPECT().Apply(gomock.Any(), []sync.Write{write("ana")}).
		Return([]sync.Result{{Record: sync.Record{Ref: write("ana").Ref}, Call: "call-1"}}, nil)

	results, err := pilot{sink, []string{"ana"}}.Apply(t.Context(), []sync.Write{write("bob"), write("ana")})
	if err != nil {
		t.Fatal(err)
	}
	if got := sync.ActionOf(results[0].Err); got != sync.Denied {
		t.Errorf("the write outside of the group: got action %v, want denied", got)
	}
	want := sync.Result{Record: sync.Record{Ref: write("ana").Ref}, Call: "call-1"}
	if d := cmp.Diff(want, results[1]); d != "" {
		t.Errorf("the write inside of the group (-want +got):\n%s", d)
	}
}
