package sync

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// begin is [Intents].Begin with chained and sealed entries.
func (e *Engine) begin(ctx context.Context, now time.Time, link Link, intent Intent, entries ...Entry) (Link, error) {
	entries, err := chained(&link, entries)
	if err != nil {
		return Link{}, err
	}
	return e.cfg.Store.Begin(ctx, now, link, intent, entries...)
}

// commit is [Store].Commit with chained and sealed entries.
func (e *Engine) commit(ctx context.Context, now time.Time, c Commit) (_ Link, err error) {
	if c.Entries, err = chained(&c.Link, c.Entries); err != nil {
		return Link{}, err
	}
	return e.cfg.Store.Commit(ctx, now, c)
}

// append is [Audit].Append for entries about a link that does not change. They
// are outside of its chain. Values are kept if they can be sealed: a link that
// is not stored has no key that could be dropped.
func (e *Engine) append(ctx context.Context, link *Link, entries []Entry) error {
	out := make([]Entry, len(entries))
	for i := range entries {
		n, err := sealed(entries[i], link.Key)
		if err != nil {
			return err
		}
		out[i] = hashed(n)
	}
	return e.cfg.Store.Append(ctx, out...)
}

// chained seals the entries and chains them to those that the link has.
// Together with the link's generation that makes a chain without branches.
func chained(link *Link, entries []Entry) ([]Entry, error) {
	out := make([]Entry, len(entries))
	for i, n := range entries {
		if n.values() && link.Key == nil && link.State != Erased {
			link.Key = newKey()
		}
		n, err := sealed(n, link.Key)
		if err != nil {
			return nil, err
		}
		if n.Prev = link.Head; n.Prev == nil {
			n.Prev = genesis[:]
		}
		out[i] = hashed(n)
		link.Head = out[i].Hash
	}
	return out, nil
}

// genesis is what the first entry of a link follows.
var genesis = sha256.Sum256([]byte("crmsync audit"))

// hashed gives the entry its hash, and its times a form that every store
// keeps.
func hashed(n Entry) Entry {
	n = n.inMicroseconds()
	n.Hash = n.sum()
	return n
}

// inMicroseconds returns the entry with its times in UTC and no finer than
// microseconds.
func (e *Entry) inMicroseconds() Entry {
	n := *e
	n.At = n.At.UTC().Truncate(time.Microsecond)
	if n.Decision != nil {
		d := *n.Decision
		for i := range d.Times {
			t := &d.Times[i]
			t.Earliest, t.Latest = t.Earliest.UTC().Truncate(time.Microsecond), t.Latest.UTC().Truncate(time.Microsecond)
		}
		n.Decision = &d
	}
	return n
}

// sum returns the hash of what the entry says. Its number and the name of its
// link only say where it is kept: the chain tells to which link it belongs.
func (e *Entry) sum() []byte {
	n := e.inMicroseconds()
	n.Seq, n.Link, n.Hash = 0, "", nil
	text, err := json.Marshal(n)
	if err != nil {
		panic("sync: an audit entry is not JSON: " + err.Error()) // it is made of texts, numbers and times
	}
	sum := sha256.Sum256(text)
	return sum[:]
}

// An AuditFault is a place at which the audit is not as it was written.
type AuditFault struct {
	// Seq is the entry, or 0 when it is the end of a chain that is missing.
	Seq  int64
	Link string
	// Rule is "entry.hash" for an entry that was changed, "entry.chain" for
	// one that does not follow the one before it, "entry.seq" for one before
	// which others are missing, and "chain.end" for a link whose last entry
	// is.
	Rule string
}

// An AuditReport is the result of [Engine.VerifyAudit].
type AuditReport struct {
	// Entries and Links count what was looked at.
	Entries, Links int
	Faults         []AuditFault
}

// VerifyAudit reads the whole audit and reports every entry that was changed,
// removed or put in afterwards. Erasing a person leaves the audit whole. It
// may run while the engine does. Whoever can write to the store and knows how
// can forge a whole chain: keep a copy of the hashes elsewhere to be sure.
func (e *Engine) VerifyAudit(ctx context.Context) (AuditReport, error) {
	return VerifyAudit(ctx, e.cfg.Store, e.flowNames()...)
}

// VerifyAudit is [Engine.VerifyAudit] without an engine. The names of all
// flows are needed to find the ends of their chains.
func VerifyAudit(ctx context.Context, store Store, flows ...string) (AuditReport, error) {
	v := auditVerifier{ends: map[string][]byte{}, last: map[string][]byte{}}
	for _, flow := range flows {
		if err := v.links(ctx, store, flow); err != nil {
			return v.report, err
		}
	}
	filter := AuditFilter{Limit: 1000}
	for {
		page, err := store.Entries(ctx, filter)
		if err != nil {
			return v.report, err
		}
		for i := range page {
			v.entry(&page[i])
		}
		if len(page) < filter.Limit {
			break
		}
		filter.After = page[len(page)-1].Seq
	}
	for _, link := range slices.Sorted(maps.Keys(v.ends)) {
		v.fault(0, link, "chain.end")
	}
	return v.report, nil
}

// An auditVerifier goes through the audit once.
type auditVerifier struct {
	report AuditReport
	ends   map[string][]byte // heads of links that were not met yet
	last   map[string][]byte // hashes of the links' last entries so far
	first  int64             // where the audit begins: older entries may be gone for age
	seq    int64
}

// links notes where the chains of a flow's links end. Chains grow meanwhile,
// so the ends are read before the entries.
func (v *auditVerifier) links(ctx context.Context, store Store, flow string) error {
	for after := ""; ; {
		page, err := store.Links(ctx, flow, after, 1000)
		if err != nil || len(page) == 0 {
			return err
		}
		for i := range page {
			after = page[i].ID
			v.report.Links++
			if page[i].Head != nil {
				v.ends[after] = page[i].Head
			}
		}
	}
}

// entry looks at the next entry.
func (v *auditVerifier) entry(n *Entry) {
	v.report.Entries++
	if v.first == 0 {
		v.first = n.Seq
	} else if n.Seq != v.seq+1 {
		v.fault(n.Seq, n.Link, "entry.seq")
	}
	v.seq = n.Seq
	if !bytes.Equal(n.Hash, n.sum()) {
		v.fault(n.Seq, n.Link, "entry.hash")
	}
	if bytes.Equal(v.ends[n.Link], n.Hash) {
		delete(v.ends, n.Link)
	}
	if n.Prev == nil {
		return
	}
	before, met := v.last[n.Link]
	if !met && v.first == 1 {
		before, met = genesis[:], true
	}
	if met && !bytes.Equal(n.Prev, before) {
		v.fault(n.Seq, n.Link, "entry.chain")
	}
	v.last[n.Link] = n.Hash
}

func (v *auditVerifier) fault(seq int64, link, rule string) {
	v.report.Faults = append(v.report.Faults, AuditFault{Seq: seq, Link: link, Rule: rule})
}

// flowNames names the flows of records, of their holds, of what is owed to them,
// and of activities.
func (e *Engine) flowNames() []string {
	var names []string
	for _, p := range e.planners {
		names = append(names, p.flow.Name, holdsOf(p.flow.Name), owedIn(p.flow.Name))
	}
	for _, list := range e.activities {
		for _, a := range list {
			names = append(names, a.flow())
		}
	}
	return names
}
