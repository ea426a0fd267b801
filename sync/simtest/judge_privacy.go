package simtest

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/urbanhub/crmsync/queue"
	"github.com/urbanhub/crmsync/sync"
)

// erasures judges that nothing of those who were erased is left: not in the
// store, not in the queue, not among the dead letters, and in no record.
func (c *checker) erasures() {
	if len(c.w.erasures) == 0 {
		return
	}
	kept := c.kept()
	for _, e := range c.w.erasures {
		for _, ref := range e.of {
			c.erasure(ref, kept)
		}
	}
}

func (c *checker) erasure(ref sync.Ref, kept map[string]string) {
	for _, v := range c.w.history.sorted() {
		if v.ref != ref || v.vague || c.lives(v) {
			continue
		}
		for _, where := range slices.Sorted(keys(kept)) {
			if mentions(kept[where], v.value) {
				c.fail("I14 erasure", []sync.Ref{ref}, "%s is still in %s", v, where)
			}
		}
	}
}

// lives reports whether a value is that of somebody who was not erased: people
// were merged, and it went on to another record. Where nobody was merged that
// must not be.
func (c *checker) lives(v *version) bool {
	for _, name := range c.w.systems {
		vendor := c.w.vendors[name]
		for _, ref := range vendor.all() {
			if r := vendor.records[ref]; r.deleted || !c.holds(ref, r.fields, v) {
				continue
			}
			if len(c.w.merged) == 0 {
				c.fail("I14 erasure", []sync.Ref{v.ref, ref}, "%s is in %s", v, ref)
			}
			return true
		}
	}
	return false
}

func (c *checker) holds(ref sync.Ref, fields sync.Fields, v *version) (found bool) {
	c.w.changes(ref, nil, fields, func(f *sync.Flow, _ sync.Side, field *sync.Field, _, now sync.Value) {
		found = found || fieldName(f, field) == v.field && now == v.value
	})
	return found
}

// kept returns all that a deployment keeps, by where it does.
func (c *checker) kept() map[string]string {
	out := map[string]string{}
	add := func(where string, what any) {
		text, err := json.Marshal(what)
		if err != nil {
			c.fail("I14 erasure", nil, "%s is not readable: %v", where, err)
		}
		out[where] += folded(string(text))
	}
	for _, name := range c.flowNames() {
		links, _ := c.w.store.Links(background, name, "", 1<<30)
		for i := range links {
			base, _ := c.w.store.Base(background, links[i].ID)
			links[i].Key, links[i].Head = nil, nil // random bytes spell anything
			add("the links", links[i])
			add("the bases", base)
		}
	}
	entries, _ := sync.ReadAudit(background, c.w.store, sync.AuditFilter{Limit: 1 << 30})
	for i := range entries {
		entries[i].Sealed, entries[i].Prev, entries[i].Hash = nil, nil, nil
	}
	add("the audit", entries)
	dead, _ := c.w.log.Dead(background, sync.DeadFilter{Limit: 1 << 30})
	add("the dead letters", texts(dead))
	var spans []queue.Span
	for shard := range c.w.log.Shards() {
		for p := range sync.Priority(sync.Priorities) {
			spans = append(spans, queue.Span{Shard: shard, Priority: p, Limit: 1 << 20})
		}
	}
	pages, _ := c.w.log.Read(background, spans)
	for i := range pages {
		for _, e := range pages[i].Entries {
			add("the queue", string(e.Message.Payload))
		}
	}
	return out
}

// texts shows dead letters with their payloads as text.
func texts(dead []sync.DeadLetter) (out []string) {
	for i := range dead {
		out = append(out, fmt.Sprint(dead[i].History, string(dead[i].Message.Payload)))
	}
	return out
}

// flowNames lists everything that the engine keeps links for.
func (c *checker) flowNames() (out []string) {
	for _, f := range c.w.cfg.Flows {
		out = append(out, f.Name, "ambiguous:"+f.Name)
	}
	for _, a := range c.w.activities {
		out = append(out, "activity:"+a.Name)
	}
	return out
}

// silence judges that what people enter is in no log and in no error.
func (c *checker) silence() {
	said := folded(c.w.said.String())
	for _, v := range c.w.history.sorted() {
		if mentions(said, v.value) {
			c.fail("I16 silence", []sync.Ref{v.ref}, "%s is in a log or an error", v)
		}
	}
	for _, bad := range poisons {
		if mentions(said, sync.Text(bad)) {
			c.fail("I16 silence", nil, "a value that breaks a rule is in a log or an error")
		}
	}
}

// mentions reports whether a folded text has a value in it, in whatever form,
// and not as the beginning of a longer one. Short values would be found
// everywhere.
func mentions(text string, value sync.Value) bool {
	const least = 5
	what := folded(value.String())
	if len(what) < least {
		return false
	}
	for {
		_, rest, found := strings.Cut(text, what)
		switch {
		case !found:
			return false
		case rest == "" || rest[0] < '0' || rest[0] > '9':
			return true
		}
		text = rest
	}
}

// folded makes what systems reformat comparable.
func folded(s string) string { return strings.ReplaceAll(strings.ToLower(s), " ", "") }

// logger returns a logger that keeps everything.
func (w *world) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(&lockedWriter{w: w}, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

type lockedWriter struct{ w *world }

// Write implements [io.Writer].
func (l *lockedWriter) Write(p []byte) (int, error) {
	l.w.sched.mu.Lock()
	defer l.w.sched.mu.Unlock()
	return l.w.said.Write(p)
}
