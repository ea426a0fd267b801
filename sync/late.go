package sync

import (
	"context"
	"strconv"
	"time"
)

// unlessLate returns the fields that a fact may write to the record that it
// updates: of one that came late, those that are blank there.
func (r *recording) unlessLate(ctx context.Context, fields Fields) (Fields, error) {
	ref := r.related[0]
	recs, err := r.engine.cfg.Peers[ref.System].Source.Read(ctx, ref.Kind, []string{ref.ID})
	if err != nil || len(recs) != 1 || recs[0].Deleted {
		return fields, err
	}
	there := recs[0].Fields
	now, told := moment(fields[r.activity.Clock])
	last, known := moment(there[r.activity.Clock])
	if !told || !known || !now.Before(last) {
		return fields, nil
	}
	out := Fields{}
	for n, v := range fields {
		if there[n].Blank() {
			out[n] = v
		}
	}
	return out, nil
}

// moment reads the time in a clock field.
func moment(v Value) (time.Time, bool) {
	if ms, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
		return time.UnixMilli(ms), true
	}
	t, err := time.Parse(time.RFC3339, v.String())
	return t, err == nil
}
