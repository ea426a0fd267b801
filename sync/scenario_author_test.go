package sync_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// A forgetting fake does not answer questions for its history.
type forgetting struct{ *fake }

func (forgetting) History(context.Context, sync.Kind, []string, []string) ([]map[string][]sync.Revision, error) {
	return nil, errors.New("not now")
}

// An explanation names who made the edits, where the system that they were made
// in tells it.
func TestExplainNamesAuthors(t *testing.T) {
	bubble(t, func(w *world) {
		left, right := w.pair("email", "ana@example.com", "name", "Ana")
		by := func(f *fake, author string, ref sync.Ref, pairs ...string) {
			f.author = author
			f.edit(ref, pairs...)
			f.author = ""
			w.settle()
			time.Sleep(time.Minute)
		}
		by(w.left, "user 7", left, "name", "Ana Gil")
		by(w.right, "user 8", right, "fullname", "Ana Ruiz")
		by(w.left, "an import", left, "name", "Ana Gil")
		for _, c := range []struct {
			left, right sync.Source
			want        []string
		}{
			{chronicled{fake: w.left}, chronicled{fake: w.right}, []string{"", "user 7", "user 8", "an import"}},
			{w.left, chronicled{fake: w.right}, []string{"", "", "user 8", ""}},
			{chronicled{fake: w.left}, forgetting{w.right}, []string{"", "user 7", "", "an import"}},
		} {
			w.cfg.Peers[leftSystem], w.cfg.Peers[rightSystem] = sync.Peer{Source: c.left, Sink: w.left}, sync.Peer{Source: c.right, Sink: w.right}
			w.start()
			var got []string
			for _, s := range w.explain(left, "name").Steps {
				got = append(got, s.Author)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("authors %q, want %q", got, c.want)
			}
		}
	})
}
