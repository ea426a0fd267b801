package sync

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

// authorWait bounds how long an explanation waits for the systems' histories.
const authorWait = 5 * time.Second

// name tells of each step who made the edit that was taken, by the histories of
// the systems that keep one. Where a system does not answer nobody is named.
func (e *Engine) name(ctx context.Context, p *Planner, out *Explanation) {
	ctx, cancel := context.WithTimeout(ctx, authorWait)
	defer cancel()
	for _, s := range []Side{Left, Right} {
		end := out.Link.End(s)
		source, ok := e.cfg.Peers[end.System].Source.(Chronicler)
		if !ok || end.Zero() || out.Link.State != Active {
			continue
		}
		names := slices.DeleteFunc(p.flow.Names(s), func(n string) bool { return n == IDField })
		histories, err := source.History(ctx, end.Kind, []string{end.ID}, names)
		if err != nil || len(histories) != 1 {
			e.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "an explanation names no authors", slog.String("ref", end.String()), slog.Any("error", err))
			continue
		}
		var skew time.Duration
		if skewer, ok := source.(Skewer); ok {
			skew = skewer.Skew()
		}
		for i := range out.Fields {
			lens := p.flow.Fields[i].lens(s)
			past := chronicle(histories[0], lens.Names())
			for k := range out.Fields[i].Steps {
				if d := &out.Fields[i].Steps[k]; d.Outcome == Wrote && !d.Merged && d.Winner == s {
					d.Author = author(past, lens, d.After, d.At.Add(skew))
				}
			}
		}
	}
}

// author returns who gave a field the value that it last had by some time.
func author(past []step, lens Lens, v Value, by time.Time) string {
	set := -1
	for i := range past {
		if i > 0 && !past[i].at.After(by) && sees(lens, past[i].fields) == v && sees(lens, past[i-1].fields) != v {
			set = i
		}
	}
	if set < 0 {
		return ""
	}
	return past[set].by
}
