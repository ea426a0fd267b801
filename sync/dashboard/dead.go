package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

// lettersRead bounds how many dead letters are read for a page, and so how
// many an act on an issue concerns.
const lettersRead = 1000

// A letter is a dead letter with what it is about.
type letter struct {
	sync.DeadLetter
	Ref   sync.Ref
	What  string // the reason of a change, the type of a fact
	Fact  bool
	Last  sync.Failure
	Issue string
}

// An issue is a group of dead letters that have one cause, most likely.
type issue struct {
	ID          string
	System      sync.System
	Kind        sync.Kind
	Rule, Field string
	Action      string
	Example     string // the error of the newest
	Count       int
	First, Last time.Time
}

// letters reads the dead letters, the oldest first.
func (d *Dashboard) letters(ctx context.Context) ([]letter, error) {
	list, err := d.opts.Config.Queue.Dead(ctx, sync.DeadFilter{Limit: lettersRead})
	if err != nil {
		return nil, err
	}
	out := make([]letter, len(list))
	for i := range list {
		out[i] = letterOf(list[i])
	}
	return out, nil
}

// lettersOf reads the dead letters of changes of a pair's records.
func (d *Dashboard) lettersOf(ctx context.Context, link *sync.Link) ([]letter, error) {
	var out []letter
	for _, ref := range []sync.Ref{link.Left, link.Right} {
		if ref.Zero() {
			continue
		}
		list, err := d.opts.Config.Queue.Dead(ctx, sync.DeadFilter{Key: ref.String()})
		if err != nil {
			return nil, err
		}
		for i := range list {
			out = append(out, letterOf(list[i]))
		}
	}
	return out, nil
}

// letterOf finds out what a dead letter is about.
func letterOf(dead sync.DeadLetter) letter {
	l := letter{DeadLetter: dead, What: "unreadable"}
	item, _ := dead.Message.Item() // one that cannot be read is told by its history
	switch item := item.(type) {
	case sync.Change:
		l.Ref, l.What = item.Ref, string(item.Reason)
	case sync.Fact:
		l.Ref, l.What, l.Fact = item.Subject, item.Type, true
	}
	if n := len(dead.History); n > 0 {
		l.Last = dead.History[n-1]
	}
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "%s|%s|%s|%s|%s", l.Ref.System, l.Ref.Kind, l.Last.Action, l.Last.Rule, l.Last.Field)
	l.Issue = strconv.FormatUint(h.Sum64(), 36)
	return l
}

// issuesOf groups letters, the issue with the newest letter first.
func issuesOf(letters []letter) []issue {
	at := map[string]int{}
	var out []issue
	for i := range letters {
		l := &letters[i]
		k, known := at[l.Issue]
		if !known {
			k = len(out)
			at[l.Issue] = k
			out = append(out, issue{ID: l.Issue, System: l.Ref.System, Kind: l.Ref.Kind, Rule: l.Last.Rule, Field: l.Last.Field,
				Action: l.Last.Action, First: l.DiedAt})
		}
		is := &out[k]
		is.Count++
		is.Last, is.Example = l.DiedAt, l.Last.Error
	}
	slices.SortStableFunc(out, func(a, b issue) int { return b.Last.Compare(a.Last) })
	return out
}

// deadPage lists issues and dead letters.
type deadPage struct {
	Issues  []issue
	Chosen  string // the issue whose letters are shown, "" for all
	Letters []letter
	Capped  bool
	Until   string // freezes what an act on the issue concerns
	Replays []replayed
}

func (d *Dashboard) dead(w http.ResponseWriter, r *http.Request) error {
	letters, err := d.letters(r.Context())
	if err != nil {
		return err
	}
	p := deadPage{Issues: issuesOf(letters), Chosen: r.URL.Query().Get("issue"), Capped: len(letters) == lettersRead,
		Until: time.Now().UTC().Format(time.RFC3339Nano), Replays: d.replays.list(letters, d.opts.Feed)}
	for _, l := range letters {
		if p.Chosen == "" || l.Issue == p.Chosen {
			p.Letters = append(p.Letters, l)
		}
	}
	slices.Reverse(p.Letters)
	p.Letters = p.Letters[:min(len(p.Letters), 100)]
	return d.show(w, r, "dead", "Dead letters", p)
}

// replay moves dead letters back to work: those that were chosen, or all of an
// issue that were there when the page was made.
func (d *Dashboard) replay(w http.ResponseWriter, r *http.Request) error {
	chosen, err := d.chosen(r)
	if err != nil {
		return err
	}
	notice := "gone"
	if len(chosen) > 0 {
		if err := d.act(r, Replay, about(chosen), sync.Entry{Left: chosen[0].Ref}); err != nil {
			return err
		}
		now := time.Now()
		if _, err := d.opts.Config.Queue.Replay(r.Context(), now, idsOf(chosen)...); err != nil {
			return err
		}
		d.replays.add(chosen, now, d.opts.Actor(r))
		d.opts.Feed.touch()
		notice = "replayed"
	}
	return d.done(w, r, notice, "/dead", "issue", r.FormValue("back"))
}

// discard deletes dead letters. It asks for a reason.
func (d *Dashboard) discard(w http.ResponseWriter, r *http.Request) error {
	if strings.TrimSpace(r.FormValue("why")) == "" {
		return badInput("say why they are discarded: it goes into the audit")
	}
	chosen, err := d.chosen(r)
	if err != nil {
		return err
	}
	notice := "gone"
	if len(chosen) > 0 {
		if err := d.act(r, Discard, about(chosen), sync.Entry{Left: chosen[0].Ref}); err != nil {
			return err
		}
		if _, err := d.opts.Config.Queue.Discard(r.Context(), time.Now(), idsOf(chosen)...); err != nil {
			return err
		}
		d.opts.Feed.touch()
		notice = "discarded"
	}
	return d.done(w, r, notice, "/dead", "issue", r.FormValue("back"))
}

// chosen returns the letters that a form names: by id, or by issue together
// with the moment until which they died.
func (d *Dashboard) chosen(r *http.Request) ([]letter, error) {
	ids, issue := r.Form["id"], r.FormValue("issue")
	until, err := time.Parse(time.RFC3339Nano, cmp.Or(r.FormValue("until"), "0001-01-01T00:00:00Z"))
	if err != nil || len(ids) == 0 && (issue == "" || until.IsZero()) {
		return nil, badInput("choose dead letters, or an issue and the time until which they died")
	}
	letters, err := d.letters(r.Context())
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(letters, func(l letter) bool {
		byIssue := issue != "" && l.Issue == issue && !l.DiedAt.After(until)
		return !byIssue && !slices.Contains(ids, l.Message.ID)
	}), nil
}

func idsOf(letters []letter) []string {
	ids := make([]string, len(letters))
	for i := range letters {
		ids[i] = letters[i].Message.ID
	}
	return ids
}

// about says for the audit which letters an act concerns.
func about(letters []letter) string {
	if len(letters) == 1 {
		return "the dead letter " + letters[0].Message.ID
	}
	return fmt.Sprintf("%d dead letters by rule %s, the first is %s", len(letters), letters[0].Last.Rule, letters[0].Message.ID)
}
