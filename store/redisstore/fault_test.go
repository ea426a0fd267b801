package redisstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/internal/redistest"
	"github.com/urbanhub/crmsync/store/redisstore"
	"github.com/urbanhub/crmsync/store/storetest"
	"github.com/urbanhub/crmsync/sync"
)

func pair(id string) sync.Link {
	return sync.Link{ID: id, Flow: "contacts", State: sync.Active,
		Left: sync.Ref{System: "chat", Kind: "contact", ID: "l" + id}, Right: sync.Ref{System: "crm", Kind: "contact", ID: "r" + id}}
}

func note(link, text string) sync.Entry {
	return sync.Entry{At: noon, Kind: sync.EntryLinked, Flow: "contacts", Link: link, Note: text}
}

func ruled(t *testing.T, err error, action sync.Action, rule string) {
	t.Helper()
	var e *sync.Error
	if !errors.As(err, &e) || e.Action != action || e.Rule != rule || e.Hint == "" {
		t.Errorf("got error %v, want a %v one by rule %s with a hint", err, action, rule)
	}
}

// A cutter loses the answer to the next script, once, after the server ran it.
type cutter struct{ armed atomic.Bool }

func (c *cutter) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	return &cutConn{Conn: conn, cutter: c}, err
}

type cutConn struct {
	net.Conn
	cutter *cutter
	cut    atomic.Bool
}

func (c *cutConn) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("evalsha")) && c.cutter.armed.CompareAndSwap(true, false) {
		c.cut.Store(true)
	}
	return c.Conn.Write(b)
}

func (c *cutConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.cut.Load() {
		_ = c.Conn.Close()
		return 0, io.EOF
	}
	return n, err
}

// TestLostAnswers has the client send every kind of write twice because the
// first answer is lost: it takes effect once, and says so.
func TestLostAnswers(t *testing.T) {
	space, cut := redistest.New(t), &cutter{}
	client := redis.NewClient(&redis.Options{Addr: space.Client.Options().Addr, Dialer: cut.dial})
	defer func() { _ = client.Close() }()
	s, err := redisstore.New(client, &redisstore.Options{Prefix: space.Prefix()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, link := t.Context(), pair("a")
	for _, twice := range []bool{false, true} { // the first round loads the scripts
		lose := func(what string, do func() error) {
			t.Helper()
			cut.armed.Store(twice)
			if err := do(); err != nil {
				t.Fatalf("%s, twice %v: %v", what, twice, err)
			}
			if cut.armed.Load() {
				t.Fatalf("%s was not cut", what)
			}
		}
		lose("Begin", func() (err error) {
			link, err = s.Begin(ctx, noon, link, sync.Intent{ID: "i", Expires: noon.Add(time.Minute)}, note("a", "begun"))
			return err
		})
		lose("Commit", func() (err error) {
			link, err = s.Commit(ctx, noon, sync.Commit{Link: link, Entries: []sync.Entry{note("a", "done")}})
			return err
		})
		lose("Append", func() error { return s.Append(ctx, note("", "appended")) })
		lose("SetCursor", func() error {
			if twice {
				return s.SetCursor(ctx, "feed", "one", "two")
			}
			return s.SetCursor(ctx, "feed", "", "one")
		})
	}
	entries, err := s.Entries(ctx, sync.AuditFilter{})
	if err != nil || len(entries) != 6 || link.Generation != 4 {
		t.Errorf("%d entries, want 6; generation %d, want 4; %v", len(entries), link.Generation, err)
	}
}

// TestKeysOfAnotherType shows that a commit that meets a foreign key changes
// nothing.
func TestKeysOfAnotherType(t *testing.T) {
	space := redistest.New(t)
	for _, name := range []string{"states", "links", "bases", "ends", "ids", "open", "audit", "keys", "seq"} {
		t.Run(name, func(t *testing.T) {
			ctx, prefix := t.Context(), space.Prefix()
			s, err := redisstore.New(space.Client, &redisstore.Options{Prefix: prefix})
			if err != nil {
				t.Fatal(err)
			}
			commit := sync.Commit{Link: pair("a"), Base: &sync.Base{Left: sync.Shadow{Fields: sync.Fields{}}}, Entries: []sync.Entry{note("a", "one")}}
			commit.Entries[0].Key = "key"
			key := "{" + prefix + "}:store:" + name
			if err := space.Client.Set(ctx, key, "x", 0).Err(); err != nil {
				t.Fatal(err)
			}
			_, err = s.Commit(ctx, noon, commit)
			ruled(t, err, sync.Fatal, "redis.type")
			if name == "audit" || name == "keys" || name == "seq" {
				ruled(t, s.Append(ctx, note("", "x")), sync.Fatal, "redis.type")
			}
			if err := space.Client.Del(ctx, key).Err(); err != nil {
				t.Fatal(err)
			}
			l, err := s.Commit(ctx, noon, commit)
			if err != nil || l.Generation != 1 {
				t.Errorf("afterwards: generation %d, %v", l.Generation, err)
			}
			if e, err := s.Entries(ctx, sync.AuditFilter{}); err != nil || len(e) != 1 || e[0].Seq != 1 {
				t.Errorf("the audit has %+v, %v", e, err)
			}
		})
	}
}

// TestDamage reads what cannot be read: it fails for its own record and stands
// in nobody's way.
func TestDamage(t *testing.T) {
	space := redistest.New(t)
	ctx, prefix := t.Context(), space.Prefix()
	var logged strings.Builder
	s, err := redisstore.New(space.Client, &redisstore.Options{Prefix: prefix, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b", "c"} {
		if _, err := s.Commit(ctx, noon, sync.Commit{Link: pair(id), Entries: []sync.Entry{note(id, "one")}}); err != nil {
			t.Fatal(err)
		}
	}
	key := func(name string) string { return "{" + prefix + "}:store:" + name }
	for name, err := range map[string]error{
		"link":   space.Client.HSet(ctx, key("links"), "a", `{"ID":"secret`, "b", "").Err(),
		"base":   space.Client.HSet(ctx, key("bases"), "a", "secret").Err(),
		"cursor": space.Client.HSet(ctx, key("cursors"), "feed", "secret").Err(),
		"audit":  space.Client.XAdd(ctx, &redis.XAddArgs{Stream: key("audit"), ID: "9-0", Values: []any{"e", "secret"}}).Err(),
	} {
		if err != nil {
			t.Fatal(name, err)
		}
	}
	_, err = s.Link(ctx, "contacts", pair("a").Left)
	ruled(t, err, sync.Fatal, "store.damaged")
	_, baseErr := s.Base(ctx, "a")
	ruled(t, baseErr, sync.Fatal, "store.damaged")
	_, cursorErr := s.Cursor(ctx, "feed")
	ruled(t, cursorErr, sync.Fatal, "store.damaged")
	for _, limit := range []int{1, 10} {
		if links, err := s.Links(ctx, "contacts", "", limit); err != nil || len(links) != 1 || links[0].ID != "c" {
			t.Errorf("up to %d links: %+v, %v", limit, links, err)
		}
	}
	if entries, err := s.Entries(ctx, sync.AuditFilter{}); err != nil || len(entries) != 3 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
	if all := fmt.Sprint(err, baseErr, cursorErr, &logged); strings.Contains(all, "secret") || strings.Count(all, "cannot be read") < 5 {
		t.Errorf("errors and log: %s", all)
	}
}

func TestOptionsAndLayout(t *testing.T) {
	space := redistest.New(t)
	_, err := redisstore.New(space.Client, &redisstore.Options{Prefix: "{a}"})
	ruled(t, err, sync.Fatal, "options.valid")
	_, err = redisstore.New(nil, nil)
	ruled(t, err, sync.Fatal, "options.valid")
	prefix := space.Prefix()
	if err := space.Client.Set(t.Context(), "{"+prefix+"}:store:format", "crmsync store 99", 0).Err(); err != nil {
		t.Fatal(err)
	}
	s, err := redisstore.New(space.Client, &redisstore.Options{Prefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Check(t.Context())
	ruled(t, err, sync.Fatal, "redis.layout")
	_, err = s.Commit(t.Context(), noon, sync.Commit{Link: pair("a")})
	ruled(t, err, sync.Fatal, "redis.layout")
}

// TestCluster runs the suite on a cluster, which refuses keys of several
// slots, and computes the slots as well.
func TestCluster(t *testing.T) {
	client, slots := redistest.Start(t, "--cluster-enabled", "yes").Cluster(), &redistest.Slots{}
	client.AddHook(slots)
	var given atomic.Int64
	t.Run("suite", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) sync.Store {
			s, err := redisstore.New(client, &redisstore.Options{Prefix: fmt.Sprint("s", given.Add(1))})
			if err != nil {
				t.Fatal(err)
			}
			return s
		})
	})
	if seen, mixed := slots.Seen(); len(mixed) > 0 || seen == 0 {
		t.Errorf("%d slots; calls with keys of several: %v", seen, mixed)
	}
}

func BenchmarkCommit(b *testing.B) {
	s := open(b, redistest.New(b))
	base := sync.Base{Left: sync.Shadow{Fields: sync.Fields{}}, Right: sync.Shadow{Fields: sync.Fields{}}}
	for i := range 12 {
		base.Left.Fields[fmt.Sprint("field", i)] = sync.Text("a value of some length")
		base.Right.Fields[fmt.Sprint("property", i)] = sync.Text("a value of some length")
	}
	var workers atomic.Int64
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		w, n := workers.Add(1), 0
		for pb.Next() {
			n++
			id := fmt.Sprintf("%d-%d", w, n)
			if _, err := s.Commit(b.Context(), noon, sync.Commit{Link: pair(id), Base: &base, Entries: []sync.Entry{note(id, "linked")}}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}

// A replica lags behind: what it tells of a record may be older than the link
// under which it is written. A failover client names its replicas, too.
func TestClientsThatReadFromReplicas(t *testing.T) {
	sentinel := redis.FailoverOptions{MasterName: "main", SentinelAddrs: []string{"127.0.0.1:1"}, RouteRandomly: true}
	for name, client := range map[string]*redis.ClusterClient{
		"read only": redis.NewClusterClient(&redis.ClusterOptions{ReadOnly: true}),
		"latency":   redis.NewClusterClient(&redis.ClusterOptions{RouteByLatency: true}),
		"random":    redis.NewClusterClient(&redis.ClusterOptions{RouteRandomly: true}),
		"failover":  redis.NewFailoverClusterClient(&sentinel),
		"":          redis.NewClusterClient(&redis.ClusterOptions{}),
	} {
		_, err := redisstore.New(client, nil)
		if name != "" {
			ruled(t, err, sync.Fatal, "options.valid")
		} else if err != nil {
			t.Errorf("a cluster's masters: %v", err)
		}
		if err := client.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
