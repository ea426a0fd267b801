package redisqueue_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/urbanhub/crmsync/internal/redistest"
	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/queue/redisqueue"
	"github.com/urbanhub/crmsync/sync"
)

func ruled(t *testing.T, err error, action sync.Action, rule string) {
	t.Helper()
	var e *sync.Error
	if !errors.As(err, &e) || e.Action != action || e.Rule != rule || e.Hint == "" {
		t.Errorf("got error %v, want a %v one by rule %s with a hint", err, action, rule)
	}
}

func TestOptions(t *testing.T) {
	client := redis.NewClient(&redis.Options{})
	defer func() { _ = client.Close() }()
	for name, opts := range map[string]*redisqueue.Options{
		"braces": {Prefix: "a{b}"}, "shards": {Shards: -1}, "many shards": {Shards: 1 << 20}, "payload": {MaxPayload: -1},
	} {
		_, err := redisqueue.NewLog(client, opts)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		ruled(t, err, sync.Fatal, "options.valid")
	}
	_, err := redisqueue.NewLog(nil, nil)
	ruled(t, err, sync.Fatal, "options.valid")
}

func TestPayloadOverTheLimit(t *testing.T) {
	space := redistest.New(t)
	log := open(t, space, redisqueue.Options{MaxPayload: 10})
	fine := sync.Message{ID: "fine", Key: "k", Payload: make([]byte, 10)}
	large := sync.Message{ID: "large", Key: "k", Payload: []byte("secret 1234")}
	err := log.Append(t.Context(), t0, []sync.Message{fine, large})
	ruled(t, err, sync.Invalid, "payload.size")
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("the error shows the payload: %v", err)
	}
	if st, err := log.Stats(t.Context(), t0); err != nil || st.Waiting != 0 {
		t.Errorf("something was stored: %+v, %v", st, err)
	}
}

func TestOtherLayout(t *testing.T) {
	space := redistest.New(t)
	prefix := space.Prefix()
	first, err := redisqueue.NewLog(space.Client, &redisqueue.Options{Prefix: prefix, Shards: 8})
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Append(t.Context(), t0, []sync.Message{{ID: "1", Key: "k"}}); err != nil {
		t.Fatal(err)
	}
	other, err := redisqueue.NewLog(space.Client, &redisqueue.Options{Prefix: prefix, Shards: 16})
	if err != nil {
		t.Fatal(err)
	}
	_, err = other.Check(t.Context())
	ruled(t, err, sync.Fatal, "redis.layout")
	ruled(t, other.Append(t.Context(), t0, []sync.Message{{ID: "2", Key: "k"}}), sync.Fatal, "redis.layout")
	_, err = other.Lease(t.Context(), t0, queue.LeaseParams{Owner: "a", For: time.Second})
	ruled(t, err, sync.Fatal, "redis.layout")
}

// keyLike returns the only key of the prefix that contains a text.
func keyLike(t *testing.T, client *redis.Client, prefix, text string) string {
	t.Helper()
	var found []string
	for it := client.Scan(t.Context(), 0, "*"+prefix+"}"+text+"*", 1000).Iterator(); it.Next(t.Context()); {
		found = append(found, it.Val())
	}
	slices.Sort(found)
	found = slices.Compact(found) // a scan names a key twice when others make the server's table larger or smaller
	if len(found) != 1 {
		t.Fatalf("keys like %q: %q", text, found)
	}
	return found[0]
}

// one is a log with one shard and the messages a and b of one key.
func one(t *testing.T, space *redistest.Space) (*redisqueue.Log, string) {
	t.Helper()
	prefix := space.Prefix()
	log, err := redisqueue.NewLog(space.Client, &redisqueue.Options{Prefix: prefix, Shards: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Append(t.Context(), t0, []sync.Message{{ID: "a", Key: "k"}, {ID: "b", Key: "k"}}); err != nil {
		t.Fatal(err)
	}
	return log, prefix
}

func TestKeysOfAnotherType(t *testing.T) {
	space := redistest.New(t)
	for _, name := range []string{":s:0:0", ":seq", ":waiting", ":ids:"} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			log, prefix := one(t, space)
			key := "{" + prefix + "}" + name
			if strings.HasSuffix(name, ":") {
				key = keyLike(t, space.Client, prefix, name)
			}
			if err := space.Client.Rename(ctx, key, "{"+prefix+"}:aside").Err(); err != nil {
				t.Fatal(err)
			}
			if err := space.Client.SAdd(ctx, key, "foreign").Err(); err != nil {
				t.Fatal(err)
			}
			c := sync.Message{ID: "c", Key: "k"}
			ruled(t, log.Append(ctx, t0, []sync.Message{c}), sync.Fatal, "redis.type")
			// Once it is mended the message is stored, and once.
			if err := space.Client.Rename(ctx, "{"+prefix+"}:aside", key).Err(); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := log.Append(ctx, t0, []sync.Message{c}); err != nil {
					t.Fatal(err)
				}
			}
			for _, key := range []string{"", "k"} {
				pages, err := log.Read(ctx, []queue.Span{{Key: key, Limit: 10}})
				if err != nil {
					t.Fatal(err)
				}
				if e := pages[0].Entries; len(e) != 3 || e[2].Message.ID != "c" {
					t.Errorf("key %q: the shard holds %+v", key, e)
				}
			}
		})
	}
}

// TestCorruptedEntries has a stranger write to a stream: what it wrote goes to
// the dead letters, and the neighbours are delivered.
func TestCorruptedEntries(t *testing.T) {
	space := redistest.New(t)
	ctx := t.Context()
	log, prefix := one(t, space)
	stream := "{" + prefix + "}:s:0:0"
	add := func(id string, values ...any) {
		t.Helper()
		if err := space.Client.XAdd(ctx, &redis.XAddArgs{Stream: stream, ID: id, Values: values}).Err(); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	add("*", "m", "\x01\x01k\xff")
	add("*", "m", "")
	add("*", "other", "field")
	add("*", "m", "\x01\x01k\x01z\x00", "and", "more")
	add("50000000000000-7", "ahead", "of the counter")
	if err := log.Append(ctx, t0, []sync.Message{{ID: "c", Key: "k"}}); err != nil {
		t.Fatal(err)
	}
	q, err := queue.New(log, nil)
	if err != nil {
		t.Fatal(err)
	}
	lanes, err := q.Take(ctx, now, 10, time.Minute)
	if err != nil || len(lanes) != 1 {
		t.Fatalf("%d lanes, %v", len(lanes), err)
	}
	var got []string
	for _, m := range lanes[0].Messages {
		got = append(got, m.ID)
	}
	if strings.Join(got, " ") != "a b c" {
		t.Errorf("got messages %q", got)
	}
	if err := q.Done(ctx, now, lanes[0]); err != nil {
		t.Fatal(err)
	}
	dead, err := q.Dead(ctx, sync.DeadFilter{Key: redisqueue.CorruptKey})
	if err != nil || len(dead) != 6 { // the first is told apart into a message and a rest
		t.Fatalf("%d dead letters, want 6; %v", len(dead), err)
	}
	for _, d := range dead {
		if len(d.History) != 1 || d.History[0].Rule != "entry.corrupted" || d.DiedAt.IsZero() {
			t.Errorf("a corrupted entry lies there as %+v", d)
		}
	}
	if st, err := q.Stats(ctx, now); err != nil || st.Waiting+st.Leased != 0 || st.Dead != 6 {
		t.Errorf("stats %+v, %v", st, err)
	}
}

// TestClocksApart pushes one message by clocks on both sides of the turn of a
// week, at which the set of IDs changes.
func TestClocksApart(t *testing.T) {
	space := redistest.New(t)
	turn := time.UnixMicro(3000 * queue.Memory.Microseconds())
	for _, times := range [][]time.Duration{{-time.Second, time.Second}, {time.Second, -time.Second},
		{-1, queue.Memory - time.Second}, {0, queue.Memory - time.Microsecond}, {queue.Memory - 1, 2*queue.Memory - 2*time.Microsecond}} {
		log := open(t, space, redisqueue.Options{})
		for _, at := range times {
			if err := log.Append(t.Context(), turn.Add(at), []sync.Message{{ID: "m", Key: "k"}}); err != nil {
				t.Fatal(err)
			}
		}
		if st, err := log.Stats(t.Context(), turn); err != nil || st.Waiting != 1 {
			t.Errorf("pushed at %v: %d messages, %v", times, st.Waiting, err)
		}
	}
}

// TestCheck asks servers that differ in what they may lose.
func TestCheck(t *testing.T) {
	for name, c := range map[string]struct {
		options []string
		words   []string
	}{
		"everysec":   {nil, []string{"the last second or two"}},
		"always":     {[]string{"--appendfsync", "always"}, nil},
		"never":      {[]string{"--appendfsync", "no"}, []string{"appendfsync is no"}},
		"memory":     {[]string{"--appendonly", "no"}, []string{"appendonly is off"}},
		"eviction":   {[]string{"--appendfsync", "always", "--maxmemory-policy", "allkeys-lru"}, []string{"maxmemory-policy is allkeys-lru"}},
		"no rewrite": {[]string{"--appendfsync", "always", "--rename-command", "BGREWRITEAOF", ""}, []string{"BGREWRITEAOF is refused"}},
		"no config":  {[]string{"--rename-command", "CONFIG", ""}, []string{"cannot be read"}},
		"everything": {[]string{"--appendonly", "no", "--maxmemory-policy", "volatile-ttl"}, []string{"appendonly is off", "maxmemory-policy is volatile-ttl"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := redistest.Start(t, c.options...).Client()
			var logged strings.Builder
			for _, require := range []bool{false, true} {
				log, err := redisqueue.NewLog(client, &redisqueue.Options{RequireDurable: require, Logger: slog.New(slog.NewTextHandler(&logged, nil))})
				if err != nil {
					t.Fatal(err)
				}
				got, err := log.Check(t.Context())
				if len(got) != len(c.words) {
					t.Fatalf("warnings %q, want %q", got, c.words)
				}
				for i := range got {
					if !strings.Contains(got[i], c.words[i]) || !strings.Contains(logged.String(), c.words[i]) {
						t.Errorf("warning %q, want %q; logged %s", got[i], c.words[i], &logged)
					}
				}
				if require && len(c.words) > 0 {
					ruled(t, err, sync.Fatal, "redis.durable")
				} else if err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestReplicaIsRefused(t *testing.T) {
	master := redistest.Start(t)
	host, port, _ := strings.Cut(master.Addr, ":")
	replica := redistest.Start(t, "--replicaof", host+" "+port)
	log, err := redisqueue.NewLog(replica.Client(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = log.Check(t.Context())
	ruled(t, err, sync.Fatal, "redis.readonly")
}

// TestWake has one process push and another hear of it, also after the
// connection was cut.
func TestWake(t *testing.T) {
	server := redistest.Start(t)
	var logs [2]*redisqueue.Log
	for i := range logs {
		log, err := redisqueue.NewLog(server.Client(), nil)
		if err != nil {
			t.Fatal(err)
		}
		logs[i] = log
	}
	woken := make(chan struct{}, 1)
	logs[1].OnAppend(func() {
		select {
		case woken <- struct{}{}:
		default:
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error)
	go func() { stopped <- logs[1].Run(ctx) }()
	wait := func(what string) {
		t.Helper()
		select {
		case <-woken:
		case <-time.After(30 * time.Second):
			t.Fatalf("nobody was woken %s", what)
		}
	}
	push := func(id string) {
		t.Helper()
		if err := logs[0].Append(ctx, time.Now(), []sync.Message{{ID: id, Key: "k"}}); err != nil {
			t.Fatal(err)
		}
	}
	wait("when the subscription began")
	push("a")
	wait("by a message")
	server.Kill()
	server.Restart()
	wait("when the subscription was renewed")
	push("b")
	wait("by a message after that")
	cancel()
	if err := <-stopped; !errors.Is(err, context.Canceled) {
		t.Errorf("Run returned %v", err)
	}
}

// TestServerAway has no server at all: calls fail in time and say so.
func TestServerAway(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1})
	defer func() { _ = client.Close() }()
	log, err := redisqueue.NewLog(client, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = log.Append(t.Context(), t0, []sync.Message{{ID: "a", Key: "k"}})
	if err == nil || sync.ActionOf(err) != sync.Retry {
		t.Errorf("got error %v, want one to try again", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := log.Delete(ctx, queue.Fence{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want that of the context", err)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := log.Run(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run returned %v", err)
		}
	})
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
		_, err := redisqueue.NewLog(client, nil)
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
