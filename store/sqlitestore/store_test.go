package sqlitestore_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	stdsync "sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/urbanhub/crmsync/internal/sqlitedb"
	"github.com/urbanhub/crmsync/store/sqlitestore"
	"github.com/urbanhub/crmsync/store/storetest"
	"github.com/urbanhub/crmsync/sync"
)

var now = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) sync.Store {
		return open(t, filepath.Join(t.TempDir(), "crmsync.db"), &sqlitestore.Options{Relaxed: true})
	})
}

// open opens a file and closes it when the test ends.
func open(t testing.TB, path string, opts *sqlitestore.Options) *sqlitestore.Store {
	t.Helper()
	s, err := sqlitestore.Open(t.Context(), path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func contact(id string) sync.Ref { return sync.Ref{System: "crm", Kind: "contact", ID: id} }

// link commits a link with an open intent, a base and an entry.
func link(t testing.TB, s *sqlitestore.Store, id string) sync.Link {
	t.Helper()
	l := sync.Link{ID: id, Flow: "contacts", Left: contact(id), State: sync.Active}
	base := sync.Base{Left: sync.Shadow{Fields: sync.Fields{"email": sync.Text(id + "@example.com")}}}
	entry := sync.Entry{Key: id, Kind: sync.EntryLinked, Flow: "contacts", Link: id, Left: contact(id)}
	l, err := s.Commit(t.Context(), now, sync.Commit{Link: l, Base: &base, Entries: []sync.Entry{entry}})
	if err != nil {
		t.Fatal(err)
	}
	if l, err = s.Begin(t.Context(), now, l, sync.Intent{ID: "write", Expires: now}); err != nil {
		t.Fatal(err)
	}
	return l
}

// TestDamagedRows damages what is stored of one record and looks at the others.
func TestDamagedRows(t *testing.T) {
	ctx := t.Context()
	var logged bytes.Buffer
	s := open(t, filepath.Join(t.TempDir(), "crmsync.db"), &sqlitestore.Options{Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	for _, id := range []string{"a", "b", "c"} {
		link(t, s, id)
	}
	for _, damage := range []string{
		"UPDATE link SET data = '{', base = '[]' WHERE id = 'b'",
		"UPDATE entry SET data = '' WHERE link = 'b'",
	} {
		err := s.DB().Update(ctx, "test", func(tx *sqlitedb.Tx) error { _, err := tx.Exec(damage); return err })
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := s.Link(ctx, "contacts", contact("b"))
	damaged(t, err)
	_, err = s.Base(ctx, "b")
	damaged(t, err)
	all, err := s.Links(ctx, "contacts", "", 2)
	same(t, "Links", err, fmt.Sprintf("%d %s %s", len(all), all[0].ID, all[1].ID), "2 a c")
	expired, err := s.Open(ctx, now, 10)
	same(t, "Open", err, fmt.Sprint(len(expired)), "2")
	entries, err := s.Entries(ctx, sync.AuditFilter{})
	same(t, "Entries", err, fmt.Sprintf("%d %d %s: %s", len(entries), entries[1].Seq, entries[1].Link, entries[1].Note), "3 2 b: this entry is damaged")
	if !strings.Contains(logged.String(), "link=b") || !strings.Contains(logged.String(), "seq=2") {
		t.Errorf("the log says %q", logged.String())
	}
}

func damaged(t *testing.T, err error) {
	t.Helper()
	var e *sync.Error
	if !errors.As(err, &e) || e.Rule != "row.damaged" || e.Hint == "" {
		t.Errorf("got error %v, want one of a damaged row", err)
	}
}

func same(t *testing.T, what string, err error, got, want string) {
	t.Helper()
	if err != nil || got != want {
		t.Errorf("%s: got %q and error %v, want %q", what, got, err, want)
	}
}

// TestBackup copies the file while others write, and opens the copy.
func TestBackup(t *testing.T) {
	ctx, dir := t.Context(), t.TempDir()
	s := open(t, filepath.Join(dir, "crmsync.db"), nil)
	var writers stdsync.WaitGroup
	var stop atomic.Bool
	var stored atomic.Int64
	for i := range 4 {
		writers.Go(func() {
			for n := 0; !stop.Load(); n++ {
				link(t, s, fmt.Sprint(i, "-", n))
				stored.Add(1)
			}
		})
	}
	for stored.Load() < 20 {
		time.Sleep(time.Millisecond)
	}
	before := stored.Load()
	path := filepath.Join(dir, "copy.db")
	err := s.Backup(ctx, path)
	stop.Store(true)
	writers.Wait()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(ctx, path); err == nil {
		t.Error("a second backup replaced the first")
	}
	whole(t, open(t, path, &sqlitestore.Options{Check: true}), before, stored.Load())
}

// whole checks that a copy has at least the links stored before it was made,
// each with its end and its entry.
func whole(t *testing.T, s *sqlitestore.Store, before, after int64) {
	t.Helper()
	links, err := s.Links(t.Context(), "contacts", "", 1_000_000)
	if err != nil || int64(len(links)) < before || int64(len(links)) > after {
		t.Fatalf("the copy has %d links and error %v, want between %d and %d", len(links), err, before, after)
	}
	entries, err := s.Entries(t.Context(), sync.AuditFilter{Limit: len(links) + 1})
	if err != nil || len(entries) != len(links) {
		t.Errorf("%d entries for %d links, error %v", len(entries), len(links), err)
	}
	for _, l := range links {
		if got, err := s.Link(t.Context(), "contacts", l.Left); err != nil || got.ID != l.ID {
			t.Errorf("the end of link %s leads to %q, error %v", l.ID, got.ID, err)
		}
	}
}
