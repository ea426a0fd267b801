package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urbanhub/crmsync/sync"
)

type dlqCommand struct {
	List    dlqList    `cmd:"" help:"List what was given up, the oldest first."`
	Show    dlqShow    `cmd:"" help:"Show a dead letter with its failures."`
	Replay  dlqReplay  `cmd:"" help:"Have dead letters tried again; the records are read afresh."`
	Discard dlqDiscard `cmd:"" help:"Delete dead letters for good."`
}

// A letter is what people are shown of a dead letter: never what a fact says.
type letter struct {
	ID       string         `json:"id"`
	DiedAt   time.Time      `json:"died_at"`
	What     string         `json:"what"`
	Record   string         `json:"record"`
	Attempts int            `json:"attempts"`
	Failures []sync.Failure `json:"failures"`
}

func newLetter(x sync.DeadLetter) letter {
	l := letter{ID: x.Message.ID, DiedAt: x.DiedAt, Attempts: x.Attempts, Failures: x.History, What: "what cannot be read", Record: x.Message.Key}
	item, err := x.Message.Item()
	if err != nil {
		return l
	}
	switch i := item.(type) {
	case sync.Change:
		l.What, l.Record = "a change, by "+string(i.Reason), i.Ref.String()
	case sync.Fact:
		l.What, l.Record = i.Type, i.Subject.String()
	}
	return l
}

// last is the failure that ended it.
func (l *letter) last() sync.Failure {
	if len(l.Failures) == 0 {
		return sync.Failure{}
	}
	return l.Failures[len(l.Failures)-1]
}

// dead calls each for the dead letters until it returns false.
func (d *deployment) dead(ctx context.Context, filter sync.DeadFilter, each func(l letter) bool) error {
	for {
		page, err := d.storage.queue.Dead(ctx, filter)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, x := range page {
			if !each(newLetter(x)) {
				return nil
			}
		}
		filter.After = page[len(page)-1].Message.ID
	}
}

// haveDied refuses ids of which there is no dead letter.
func (d *deployment) haveDied(ctx context.Context, ids []string) error {
	missing := map[string]bool{}
	for _, id := range ids {
		missing[id] = true
	}
	err := d.dead(ctx, sync.DeadFilter{}, func(l letter) bool {
		delete(missing, l.ID)
		return len(missing) > 0
	})
	if err != nil || len(missing) == 0 {
		return err
	}
	var names []string
	for _, id := range slices.Sorted(maps.Keys(missing)) {
		names = append(names, limited(id, 200))
	}
	return usage("there is no dead letter " + strings.Join(names, ", ") + "; nothing was done; see crmsyncd dlq list")
}

// lettersAre begins a sentence about dead letters.
func lettersAre(n int) string {
	if n == 1 {
		return "1 dead letter is"
	}
	return fmt.Sprintf("%d dead letters are", n)
}

type dlqList struct {
	Most int `default:"100" placeholder:"N" help:"This many at the most (${default})."`
}

// Run lists them.
func (c *dlqList) Run(ctx context.Context, t *terminal) error {
	return t.with(ctx, func(d *deployment) error {
		letters := []letter{}
		err := d.dead(ctx, sync.DeadFilter{}, func(l letter) bool {
			letters = append(letters, l)
			return len(letters) < c.Most
		})
		if err != nil {
			return err
		}
		return t.print(map[string]any{"letters": letters}, func(w io.Writer) {
			if len(letters) == 0 {
				fmt.Fprintln(w, "There are no dead letters.")
				return
			}
			fmt.Fprintln(w, "died\twhat\trecord\tfield\trule\tid")
			for _, l := range letters {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", l.DiedAt.Format(time.RFC3339), l.What, l.Record, l.last().Field, l.last().Rule, l.ID)
			}
		})
	})
}

type dlqShow struct {
	ID string `arg:"" help:"Its id, from dlq list."`
}

// Run shows one.
func (c *dlqShow) Run(ctx context.Context, t *terminal) error {
	return t.with(ctx, func(d *deployment) error {
		var it *letter
		err := d.dead(ctx, sync.DeadFilter{}, func(l letter) bool {
			if l.ID == c.ID {
				it = &l
			}
			return it == nil
		})
		if err != nil {
			return err
		}
		if it == nil {
			return usage("there is no such dead letter; see crmsyncd dlq list")
		}
		return t.print(it, func(w io.Writer) {
			fmt.Fprintf(w, "%s\t%s\t%s\t%d attempts\n", it.DiedAt.Format(time.RFC3339), it.What, it.Record, it.Attempts)
			for _, f := range it.Failures {
				fmt.Fprintf(w, "  %s\t%s\t%s\n", f.At.Format(time.RFC3339), f.Action, oneLine(f.Error))
			}
		})
	})
}

type dlqReplay struct {
	IDs []string `arg:"" optional:"" name:"id" help:"Ids, from dlq list."`
	All bool     `help:"All of them."`
}

// Run moves them back to work.
func (c *dlqReplay) Run(ctx context.Context, t *terminal) error {
	if c.All == (len(c.IDs) > 0) {
		return usage("name ids, or say --all")
	}
	return t.with(ctx, func(d *deployment) error {
		what := "all dead letters"
		if !c.All {
			what = lettersNamed(c.IDs)
			if err := d.haveDied(ctx, c.IDs); err != nil {
				return err
			}
		}
		if err := d.note(ctx, t, "replay", what, sync.Entry{}); err != nil {
			return err
		}
		var n int
		var err error
		if c.All {
			n, err = d.engine.ReplayDead(ctx, sync.DeadFilter{})
		} else {
			n, err = d.storage.queue.Replay(ctx, time.Now(), c.IDs...)
		}
		if err != nil {
			return err
		}
		return t.print(map[string]int{"replayed": n}, func(w io.Writer) { fmt.Fprintln(w, lettersAre(n)+" back at work.") })
	})
}

type dlqDiscard struct {
	IDs []string `arg:"" name:"id" help:"Ids, from dlq list."`
	Why string   `help:"The reason, which goes into the audit."`
	Yes bool     `help:"Do it: what they ask for will not be done."`
}

// Run deletes them.
func (c *dlqDiscard) Run(ctx context.Context, t *terminal) error {
	if !c.Yes || strings.TrimSpace(c.Why) == "" {
		return usage("discarding cannot be taken back: say why by --why, which goes into the audit, and --yes")
	}
	return t.with(ctx, func(d *deployment) error {
		if err := d.haveDied(ctx, c.IDs); err != nil {
			return err
		}
		if err := d.note(ctx, t, "discard", lettersNamed(c.IDs)+": "+limited(strings.TrimSpace(c.Why), 200), sync.Entry{}); err != nil {
			return err
		}
		n, err := d.storage.queue.Discard(ctx, time.Now(), c.IDs...)
		if err != nil {
			return err
		}
		return t.print(map[string]int{"discarded": n}, func(w io.Writer) { fmt.Fprintln(w, lettersAre(n)+" gone.") })
	})
}

// lettersNoted is how many dead letters the audit names of one act.
const lettersNoted = 20

// lettersNamed names dead letters in the audit, which is all that is left of
// those that were discarded.
func lettersNamed(ids []string) string {
	text := fmt.Sprintf("%d dead letters: ", len(ids))
	if len(ids) == 1 {
		text = "1 dead letter: "
	}
	var names []string
	for _, id := range ids[:min(len(ids), lettersNoted)] {
		names = append(names, limited(id, 200))
	}
	if more := len(ids) - lettersNoted; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	return text + strings.Join(names, ", ")
}

// limited cuts a text off.
func limited(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
