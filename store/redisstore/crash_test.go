package redisstore_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	stdsync "sync"
	"testing"

	"github.com/urbanhub/crmsync/internal/redistest"
	"github.com/urbanhub/crmsync/store/redisstore"
	"github.com/urbanhub/crmsync/sync"
)

// TestServerCrash cuts the append-only file under commits: what is left agrees
// with itself, and the store goes on. A server that starts once more must not
// find the half of a commit at which the file was cut, and what came after it.
func TestServerCrash(t *testing.T) {
	for _, cut := range []int64{0, 10, 3000, 20_000, 1 << 40} {
		t.Run(fmt.Sprint("cut ", cut), func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, "--appendfsync", "always")
			s, err := redisstore.New(server.Client(), nil)
			if err != nil {
				t.Fatal(err)
			}
			var all stdsync.WaitGroup
			for i := range 8 {
				all.Go(func() { commits(t, s, fmt.Sprint("link", i), 10) })
			}
			all.Wait()
			server.Kill()
			server.CutLog(cut)
			server.Restart()
			for range 3 {
				links, err := s.Links(t.Context(), "contacts", "", 100)
				if err != nil || cut == 0 && len(links) != 8 {
					t.Fatalf("%d links, %v", len(links), err)
				}
				for _, l := range links {
					agrees(t, s, l)
				}
				commits(t, s, "link0", 3)
				server.Kill()
				server.Restart()
			}
		})
	}
}

// TestCrashInARewrite kills the server while it writes its file anew, which
// ends in the half of a commit: the half stays without effect.
func TestCrashInARewrite(t *testing.T) {
	server := redistest.Start(t, "--appendfsync", "always", "--rdb-key-save-delay", "200000") // 0.2 s a key
	s, err := redisstore.New(server.Client(), nil)
	if err != nil {
		t.Fatal(err)
	}
	commits(t, s, "a", 3)
	server.Kill()
	server.CutLog(10)
	server.Restart()
	for n := int64(2); n < 8; n += 2 {
		link, err := s.Link(t.Context(), "contacts", pair("a").Left)
		if err != nil || link.Generation != n {
			t.Fatalf("generation %d, want %d, %v", link.Generation, n, err)
		}
		agrees(t, s, link)
		commits(t, s, "a", 2)
		server.Kill()
		server.Restart()
	}
}

// TestOneRewrite has a server forget its scripts: it writes its file anew once
// with every start, whatever it forgets in between.
func TestOneRewrite(t *testing.T) {
	server := redistest.Start(t)
	client := server.Client()
	s, err := redisstore.New(client, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for range 3 {
			commits(t, s, "a", 1)
			if err := client.ScriptFlush(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
		}
		info, err := client.Info(t.Context(), "persistence").Result()
		if err != nil || !strings.Contains(info, "aof_rewrites:1\r") {
			t.Fatalf("%v\n%s", err, info)
		}
		server.Kill()
		server.Restart()
	}
}

// TestRememberedCommits has a process outlive what the server forgot: the
// generation it read is given a second time, to another commit, and does not
// pass for the first.
func TestRememberedCommits(t *testing.T) {
	server := redistest.Start(t, "--appendfsync", "always")
	s, err := redisstore.New(server.Client(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var last []byte // of the chain
	commit := func(l sync.Link, text string) (sync.Link, error) {
		n := note(l.ID, text)
		n.Prev = bytes.Clone(last)
		last, l.Head = []byte(text), []byte(text)
		return s.Commit(t.Context(), noon, sync.Commit{Link: l, Entries: []sync.Entry{n}})
	}
	kept, err := commit(pair("a"), "kept")
	if err != nil {
		t.Fatal(err)
	}
	safe := server.LogSize()
	forgotten, err := commit(kept, "forgotten")
	if err != nil {
		t.Fatal(err)
	}
	server.Kill()
	server.CutLog(server.LogSize() - safe)
	server.Restart()

	last = []byte("kept")
	instead, err := commit(kept, "instead")
	if err != nil || instead.Generation != forgotten.Generation {
		t.Fatalf("generation %d, %v", instead.Generation, err)
	}
	last = []byte("forgotten")
	if _, err := commit(forgotten, "remembered"); !errors.Is(err, sync.ErrStale) {
		t.Errorf("a commit on what is forgotten: %v", err)
	}
	if _, err := s.Commit(t.Context(), noon, sync.Commit{Link: forgotten}); !errors.Is(err, sync.ErrStale) {
		t.Errorf("a commit without entries on what is forgotten: %v", err)
	}
	last = []byte("instead")
	if _, err := commit(instead, "next"); err != nil {
		t.Error(err)
	}
}

// commits commits a link so often, counting in its base and in the audit.
func commits(t *testing.T, s *redisstore.Store, id string, times int) {
	link, err := s.Link(t.Context(), "contacts", pair(id).Left)
	if errors.Is(err, sync.ErrNotFound) {
		link, err = pair(id), nil
	}
	for range times {
		if err != nil {
			t.Error(err)
			return
		}
		base := sync.Base{Left: sync.Shadow{Fields: sync.Fields{"n": sync.Number(fmt.Sprint(link.Generation + 1))}}}
		link, err = s.Commit(t.Context(), noon, sync.Commit{Link: link, Base: &base, Entries: []sync.Entry{note(id, "counted")}})
	}
	if err != nil {
		t.Error(err)
	}
}

// agrees checks that link, base and audit count the same.
func agrees(t *testing.T, s *redisstore.Store, l sync.Link) {
	t.Helper()
	base, err := s.Base(t.Context(), l.ID)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := s.Entries(t.Context(), sync.AuditFilter{Link: l.ID})
	if err != nil {
		t.Fatal(err)
	}
	if n := base.Left.Fields["n"].String(); n != fmt.Sprint(l.Generation) || int64(len(entries)) != l.Generation {
		t.Errorf("%s has generation %d, a base of %s and %d entries", l.ID, l.Generation, n, len(entries))
	}
	if found, err := s.Link(t.Context(), l.Flow, l.Right); err != nil || found.Generation != l.Generation {
		t.Errorf("%s by its end has generation %d, %v", l.ID, found.Generation, err)
	}
}
